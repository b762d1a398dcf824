//! What the CPU's engine gets out of this machine, on one thread: for each
//! group of layers the multiply-adds and bytes a second, beside the most that
//! the machine can do of either.
//!
//! A group is the layers whose results have the same size. Bytes are those that
//! a step cannot avoid to move; what a cache serves again is not counted.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use imgshare_kernels::CpuPath;
use imgshare_kernels::cpu::peak;
use imgshare_kernels::network::{Plan, StepCost};
use imgshare_models::{Weights, manifest, nets};
use imgshare_tests::cache;

/// Rounds of a peak that take some milliseconds.
const ROUNDS: u64 = 100_000;
/// The same of tiles, each of which is more.
const TILE_ROUNDS: u64 = 1000;
/// Half of a usual first, second and third level cache, and memory.
const MEMORY_KIB: [usize; 4] = [24, 512, 8 << 10, 256 << 10];

fn bench(criterion: &mut Criterion) {
    for path in CpuPath::ALL {
        if path.is_available() {
            peaks(criterion, path);
            layers(criterion, path);
        } else {
            println!("skipped: roofline on {path}: this CPU does not have it");
        }
    }
}

fn peaks(criterion: &mut Criterion, path: CpuPath) {
    let mut group = criterion.benchmark_group(format!("peak {path}"));
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Elements(ROUNDS * peak::FLOATS_A_ROUND));
    group.bench_function("multiply-adds", |bencher| {
        bencher.iter(|| peak::multiply_add(path, black_box(ROUNDS)));
    });
    if path.is_reduced() {
        group.throughput(Throughput::Elements(ROUNDS * peak::PAIRS_A_ROUND));
        group.bench_function("multiply-adds of pairs", |bencher| {
            bencher.iter(|| peak::multiply_add_pairs(path, black_box(ROUNDS)));
        });
    }
    if path.is_tiled() {
        group.throughput(Throughput::Elements(TILE_ROUNDS * peak::DIGITS_A_ROUND));
        group.bench_function("multiply-adds of digits", |bencher| {
            bencher.iter(|| peak::multiply_add_digits(path, black_box(TILE_ROUNDS)));
        });
    }
    for kib in MEMORY_KIB {
        let memory = vec![1.0_f32; kib << 8];
        let bytes = u64::try_from(kib << 10).unwrap_or(u64::MAX);
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(BenchmarkId::new("read KiB", kib), |bencher| {
            bencher.iter(|| peak::read(path, black_box(&memory)));
        });
    }
    group.finish();
}

fn layers(criterion: &mut Criterion, path: CpuPath) {
    let spec = &manifest::models()[0];
    let weights = Weights::load(&cache::models(), spec).expect("the weights are installed");
    let network = nets::describe(&weights).expect("the weights fit the network");
    let plan = Plan::new(&network, path).expect("the engine runs the network");
    let samples = spec.golden[spec.golden.len() - 1].samples(spec.side_usize());
    let costs = plan.costs();
    let mut scratch = plan.scratch();
    let mut group = criterion.benchmark_group(format!("roofline {path}"));
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(1));
    for part in Part::all(&costs) {
        group.throughput(Throughput::ElementsAndBytes {
            elements: part.multiply_adds,
            bytes: part.bytes,
        });
        group.bench_function(part.name(), |bencher| {
            bencher.iter_custom(|n_images| {
                let mut times = vec![Duration::ZERO; costs.len()];
                for _ in 0..n_images {
                    plan.run_timed(&samples, &mut scratch, &mut times);
                }
                let own = times.iter().zip(&costs).filter(|(_, cost)| part.has(cost));
                own.map(|(time, _)| *time).sum()
            });
        });
    }
    group.finish();
}

/// The steps whose results have the same rows and columns.
struct Part {
    sides: [usize; 2],
    multiply_adds: u64,
    bytes: u64,
}

impl Part {
    fn all(costs: &[StepCost]) -> Vec<Self> {
        let mut parts: Vec<Self> = Vec::new();
        for cost in costs {
            let known = parts.iter().position(|part| part.has(cost));
            let part_idx = known.unwrap_or_else(|| {
                parts.push(Self {
                    sides: cost.sides,
                    multiply_adds: 0,
                    bytes: 0,
                });
                parts.len() - 1
            });
            parts[part_idx].multiply_adds += cost.multiply_adds;
            parts[part_idx].bytes += cost.bytes;
        }
        parts
    }

    fn has(&self, cost: &StepCost) -> bool {
        cost.sides == self.sides
    }

    fn name(&self) -> String {
        format!("to {}x{}", self.sides[0], self.sides[1])
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
