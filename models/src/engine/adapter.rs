//! Opening the graphics adapter that was asked for.

use std::sync::{Mutex, PoisonError};

use burn::tensor::{Device, DeviceKind};
use burn_wgpu::{WgpuBackend, WgpuInitError, wgpu};
use cubecl::future::block_on;

use super::DeviceChoice;

/// An open adapter.
#[derive(Clone)]
pub(super) struct Adapter {
    pub(super) device: Device,
    /// For people.
    pub(super) name: String,
    pub(super) is_software: bool,
}

/// Opens the first adapter that `choice` stands for; `None` if the machine has
/// none.
pub(super) fn open(choice: DeviceChoice) -> Result<Option<Adapter>, String> {
    let present = present();
    for (adapter_type, kind) in wanted(choice) {
        if !present.contains(adapter_type) {
            continue;
        }
        match open_kind(kind) {
            Ok(adapter) => return Ok(Some(adapter)),
            Err(WgpuInitError::AdapterUnavailable { .. }) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(None)
}

fn wanted(choice: DeviceChoice) -> &'static [(wgpu::DeviceType, DeviceKind)] {
    match choice {
        DeviceChoice::Cpu => &[],
        // Software Vulkan presents itself as a CPU.
        DeviceChoice::SoftwareGpu => &[(wgpu::DeviceType::Cpu, DeviceKind::Cpu)],
        DeviceChoice::Auto | DeviceChoice::Gpu => &[
            (wgpu::DeviceType::DiscreteGpu, DeviceKind::DiscreteGpu(0)),
            (
                wgpu::DeviceType::IntegratedGpu,
                DeviceKind::IntegratedGpu(0),
            ),
            (wgpu::DeviceType::VirtualGpu, DeviceKind::VirtualGpu(0)),
        ],
    }
}

/// The types of the machine's adapters. Asked once, before any is opened: each
/// attempt to open one asks every driver again, and without a display some
/// complain on standard error each time.
fn present() -> Vec<wgpu::DeviceType> {
    let backends = match graphics_api() {
        WgpuBackend::Vulkan => wgpu::Backends::VULKAN,
        _ => wgpu::Backends::PRIMARY,
    };
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapters = block_on(instance.enumerate_adapters(backends));
    adapters
        .iter()
        .map(|adapter| adapter.get_info().device_type)
        .collect()
}

/// An adapter can be opened once a process; it is kept and shared from then on.
fn open_kind(kind: &DeviceKind) -> Result<Adapter, WgpuInitError> {
    static OPEN: Mutex<Vec<(DeviceKind, Adapter)>> = Mutex::new(Vec::new());
    // A panic while an adapter was opened leaves the list as it was.
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, adapter)) = open.iter().find(|(open, _)| open == kind) {
        return Ok(adapter.clone());
    }
    let options = Device::wgpu_options()
        .device_kind(kind.clone())
        .graphics_api(graphics_api());
    let (device, setup) = options.init_with_setup()?;
    let info = setup.adapter.get_info();
    let name = format!("{} ({:?})", info.name, info.backend);
    let adapter = Adapter {
        device,
        name,
        is_software: *kind == DeviceKind::Cpu,
    };
    open.push((kind.clone(), adapter.clone()));
    Ok(adapter)
}

/// Vulkan on Linux: it is what the tests run there, and asking OpenGL's drivers
/// as well would cost every machine without a GPU more of its start.
fn graphics_api() -> WgpuBackend {
    if cfg!(target_os = "linux") {
        WgpuBackend::Vulkan
    } else {
        WgpuBackend::Auto
    }
}
