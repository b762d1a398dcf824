//! Classification on each device that is here and on each path of the CPU, for
//! each batch size it has warmed.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use imgshare_kernels::CpuPath;
use imgshare_models::golden;
use imgshare_models::manifest::{self, ModelSpec};
use imgshare_models::{Classifier, CpuPathChoice, DeviceChoice, Engine, EngineSettings, Weights};
use imgshare_tests::cache;

/// Software Vulkan is left out: its minutes of tuning measure nothing that anyone runs.
fn devices() -> Vec<EngineSettings> {
    let paths = CpuPath::ALL.map(CpuPathChoice::Path);
    let on_cpu = |cpu_path| EngineSettings {
        device: DeviceChoice::Cpu,
        cpu_path,
        cpu_threads: None,
        cpu_pinning: false,
    };
    let mut devices: Vec<_> = paths.into_iter().map(on_cpu).collect();
    devices.extend([on_cpu(CpuPathChoice::BurnFlex), DeviceChoice::Gpu.into()]);
    devices
}

fn bench(criterion: &mut Criterion) {
    let spec = &manifest::models()[0];
    let weights = Weights::load(&cache::models(), spec).expect("the weights are installed");
    for settings in devices() {
        match Engine::start(&weights, settings) {
            Ok(mut engine) => {
                let tolerance = engine.tolerance();
                golden::check(&mut engine, tolerance).expect("the golden vectors hold");
                bench_device(criterion, &mut engine, spec);
            }
            Err(error) => println!("skipped: infer on {}: {error}", settings.device),
        }
    }
}

fn bench_device(criterion: &mut Criterion, engine: &mut Engine, spec: &ModelSpec) {
    let side = spec
        .side
        .try_into()
        .expect("a model's side is a few hundred pixels");
    let mut group = criterion.benchmark_group(format!("infer {}", engine.device()));
    group.sample_size(10);
    for n_images in engine.buckets().to_vec() {
        let pictures = spec.golden.iter().cycle().take(n_images);
        let samples: Vec<u16> = pictures.flat_map(|golden| golden.samples(side)).collect();
        group.throughput(Throughput::Elements(
            u64::try_from(n_images).unwrap_or(u64::MAX),
        ));
        // The scores come back to the host, so the device has finished.
        group.bench_function(BenchmarkId::from_parameter(n_images), |bencher| {
            bencher.iter(|| {
                engine
                    .classify(&samples, n_images)
                    .expect("the device answers")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
