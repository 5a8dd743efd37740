module whipstaff.invalid/clients/script

go 1.23

require whipstaff.invalid/clients/go v0.0.0

require gopkg.in/validator.v2 v2.0.1 // indirect

replace whipstaff.invalid/clients/go => ./whipstaff
