fn main() {
    building::worker("rustls", None);
}
