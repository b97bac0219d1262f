use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use building::Driver;

/// boring-sys tells nobody where its headers are: beside its library, in the directory of its build script, which
/// is beside ours. Of several builds the last one counts.
fn headers() -> PathBuf {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo sets OUT_DIR"));
    let builds = out.ancestors().nth(2).expect("OUT_DIR is in the directory of all build scripts");
    fs::read_dir(builds)
        .expect("the directory of all build scripts can be read")
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let include = entry.path().join("out/boringssl/include");
            let ours = entry.file_name().to_str()?.starts_with("boring-sys-") && has_headers(&include);
            ours.then_some((fs::metadata(&include).ok()?.modified().ok()?, include))
        })
        .max()
        .expect("boring-sys has been built, with its headers in out/boringssl/include")
        .1
}

fn has_headers(include: &Path) -> bool {
    include.join("openssl/ssl.h").exists()
}

fn main() {
    let define = env::var_os("CARGO_FEATURE_HOST_BIO").map(|_| "BIO_OF_HOST");
    building::worker("boring-sys", Some(Driver { name: "memory_bio", include: headers(), define }));
}
