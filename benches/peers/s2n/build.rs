use building::Driver;

fn main() {
    building::worker("s2n-tls-sys", Some(Driver { name: "s2n", include: building::include_of("S2N_TLS"), define: None }));
}
