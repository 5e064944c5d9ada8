//! No C library, no start-up code, and what cannot be reached is left out before symbols are looked for.

fn main() {
    for arg in ["-nostdlib", "-nostartfiles", "-static", "-Wl,--gc-sections"] {
        println!("cargo::rustc-link-arg-bins={arg}");
    }
}
