//! Why a network cannot be computed here.

use super::super::isa::CpuPath;

/// Why there is no plan for a network.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The CPU lacks the instructions.
    #[error("this CPU does not have the path {0}; it has {there}", there = available())]
    NoPath(CpuPath),
    /// A picture between layers is empty or far too large.
    #[error("a layer's result would be {height} x {width} positions of {channels} channels")]
    Size {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Channels.
        channels: usize,
    },
    /// A layer has more or fewer weights than its form needs.
    #[error("a layer has {actual} weights where its form needs {expected}")]
    Weights {
        /// Weights given.
        actual: usize,
        /// Weights needed.
        expected: usize,
    },
    /// The layers are of a form that is not computed here.
    #[error("the network has {0}, which is not computed here")]
    Unsupported(&'static str),
}

fn available() -> String {
    let paths: Vec<&str> = CpuPath::available().map(CpuPath::as_str).collect();
    paths.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_missing_is_told_with_those_that_are_there() {
        let error = PlanError::NoPath(CpuPath::Amx).to_string();
        assert!(error.contains("have the path amx; it has "), "{error}");
        assert!(error.ends_with("scalar"), "{error}");
    }
}
