module whipstaff.dev/sandbox/tools/schema

go 1.26
