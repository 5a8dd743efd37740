{{ define "tools.greet" }}hello from {{ .Chart.Name }}{{ end }}
