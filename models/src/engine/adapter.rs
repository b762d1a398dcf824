//! Finding the device that was asked for.

use burn::tensor::{Device, DeviceKind, DeviceType};

use super::DeviceChoice;

/// The GPU, real or in software, that `choice` stands for, if the machine has
/// one. Asks the graphics drivers, which may panic.
pub(super) fn find(choice: DeviceChoice) -> Option<Device> {
    let kinds: &[DeviceKind] = match choice {
        DeviceChoice::Cpu => &[],
        // Software Vulkan presents itself as a CPU.
        DeviceChoice::SoftwareGpu => &[DeviceKind::Cpu],
        DeviceChoice::Auto | DeviceChoice::Gpu => &[
            DeviceKind::DiscreteGpu(0),
            DeviceKind::IntegratedGpu(0),
            DeviceKind::VirtualGpu(0),
        ],
    };
    if kinds.is_empty() {
        return None;
    }
    let present: Vec<Device> = Device::enumerate(DeviceType::Wgpu).into_iter().collect();
    let mut devices = kinds.iter().cloned().map(Device::wgpu);
    devices.find(|device| present.contains(device))
}

/// The device's own name. Opens the device, which may panic.
pub(super) fn name(device: &Device) -> String {
    let name = device.identity().map(|identity| identity.name);
    format!("{} (wgpu)", name.as_deref().unwrap_or("GPU without a name"))
}
