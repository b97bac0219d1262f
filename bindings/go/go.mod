module tlsbio/bindings/go

go 1.24
