module tlsbio.example/go

go 1.24
