fn main() {
    building::worker("aws-lc-rs", None);
}
