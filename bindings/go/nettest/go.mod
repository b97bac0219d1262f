module tlsbio.example/go/nettest

go 1.24

require (
	golang.org/x/net v0.0.0
	tlsbio.example/go v0.0.0
)

// The copy that the Go distribution has of it, put there by ../test.sh: nothing is downloaded.
replace golang.org/x/net => ../../../target/go/x-net

replace tlsbio.example/go => ../
