#![allow(missing_docs)]
mod support;
use imgshare_models::engine::{DeviceChoice, Engine};
use imgshare_models::Classifier;
use std::time::Instant;
fn cpu_s() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(") ").next().unwrap().split(' ').collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}
#[test]
fn speed() {
    let w = support::weights();
    let mut e: Vec<Engine> = (0..2).map(|_| Engine::start(w.spec(), w, DeviceChoice::Cpu).unwrap()).collect();
    let s: Vec<u16> = (0..8*224*224*3).map(|i| (i * 7919 % 65536) as u16).collect();
    let one = 224*224*3;
    for round in 0..2 {
    for n in [1usize, 2, 3, 4, 8] {
        let c = cpu_s(); let mut ts = vec![];
        let reps = 48 / n;
        for _ in 0..reps { let t = Instant::now(); e[0].classify(&s[..n*one], n).unwrap(); ts.push(t.elapsed().as_secs_f64()); }
        let c = (cpu_s() - c) / (reps * n) as f64;
        ts.sort_by(f64::total_cmp);
        println!("{round} batch {n}: min {:.1} median {:.1} ms, {:.1} img/s, cpu {:.1} ms/img", ts[0]*1e3, ts[ts.len()/2]*1e3, n as f64/ts[0], c*1e3);
    }
    for k in [1usize, 2] {
        let c = cpu_s(); let mut ts = vec![];
        for _ in 0..24 { let t = Instant::now();
            std::thread::scope(|sc| { for e in e.iter_mut() { sc.spawn(|| e.classify(&s[..k*one], k).unwrap()); } });
            ts.push(t.elapsed().as_secs_f64()); }
        let c = (cpu_s() - c) / (48 * k) as f64;
        ts.sort_by(f64::total_cmp);
        println!("{round} 2 threads x batch {k}: min {:.1} median {:.1} ms, {:.1} img/s, cpu {:.1} ms/img", ts[0]*1e3, ts[12]*1e3, 2.0*k as f64/ts[0], c*1e3);
    }}
}
