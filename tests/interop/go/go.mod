module tlsbio.test/gopeer

go 1.24
