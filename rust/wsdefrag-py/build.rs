//! Makes PyO3's `cfg`s known here; free-threaded builds read buffers differently.

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
}
