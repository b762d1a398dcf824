# The emulated machine's ROM: no BIOS, only what starts Linux by its PVH entry, which takes 32-bit
# mode without paging and in EBX the address of what it is to know (Xen's hvm_start_info).
# Numbers that a run decides come from the command line: ENTRY, INITRD, INITRD_SIZE, MEMORY; the
# kernel's own command line is read from the file "cmdline".
# Linux ends by a reset, and a second start tells the emulator to end.

        .set    TOP, 0xffff0000         # where the processor starts: this ROM's last address is 4 GiB
        .set    LOW, 0xf0000            # the same ROM, where the kernel can reach it
        .set    STARTED, 0x500          # a word of memory, which a reset leaves as it is
        .set    MARK, 0x5441

        .text
        .code16
rom:
begin:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        cmpw    $MARK, STARTED
        je      end
        movw    $MARK, STARTED
        lgdtl   %cs:(gdt_register - rom)
        movl    %cr0, %eax
        orl     $1, %eax
        movl    %eax, %cr0
        ljmpl   $8, $(TOP + protected - rom)

end:
        movw    $0x8900, %dx            # the emulator's own port
        movw    $(word - rom), %si
        movw    $8, %cx
        cld
        rep outsb %cs:(%si), %dx
        hlt
word:
        .ascii  "Shutdown"

        .code32
protected:
        movl    $16, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $(LOW + start_info - rom), %ebx
        movl    $ENTRY, %eax
        jmp     *%eax

        .balign 8
gdt:
        .quad   0
        .quad   0x00cf9b000000ffff      # code, from 0 to 4 GiB
        .quad   0x00cf93000000ffff      # data, the same
gdt_register:
        .word   . - gdt - 1
        .long   TOP + gdt - rom

        .balign 8
start_info:
        .long   0x336ec578              # "this is a hvm_start_info"
        .long   1, 0, 1                 # version, flags, number of modules
        .quad   LOW + modules - rom
        .quad   LOW + cmdline - rom
        .quad   0                       # no ACPI
        .quad   LOW + memory - rom
        .long   2, 0                    # pieces of memory
modules:
        .quad   INITRD, INITRD_SIZE, 0, 0
memory:
        .quad   0, 0x9f000
        .long   1, 0
        .quad   0x100000, MEMORY - 0x100000
        .long   1, 0
cmdline:
        .incbin "cmdline"
        .byte   0

        .code16
        .org    0xfff0
        jmp     begin
        .org    0x10000
