module tlsbio.test/compare

go 1.24
