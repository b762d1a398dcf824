//! Which device computed, and in which way.

use std::fmt;

use serde::Serialize;

/// A classifier's name for its device, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct DeviceName {
    /// The hardware: `cpu`, `NVIDIA H100`.
    device: String,
    /// The way of computing on it: `burn-flex`, `Vulkan`.
    path: String,
}

impl DeviceName {
    /// Takes `NVIDIA H100 (Vulkan)` apart.
    pub(super) fn parse(name: &str) -> Self {
        let (device, path) = name
            .strip_suffix(')')
            .and_then(|name| name.rsplit_once(" ("))
            .unwrap_or((name, "unnamed"));
        Self {
            device: device.to_owned(),
            path: path.to_owned(),
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.device, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart_at_their_last_bracket() {
        let gpu = DeviceName::parse("Intel(R) Arc (TM) (Vulkan)");
        assert_eq!(
            (gpu.device.as_str(), gpu.path.as_str()),
            ("Intel(R) Arc (TM)", "Vulkan")
        );
        assert_eq!(gpu.to_string(), "Intel(R) Arc (TM) (Vulkan)");
        assert_eq!(DeviceName::parse("cpu").device, "cpu");
    }
}
