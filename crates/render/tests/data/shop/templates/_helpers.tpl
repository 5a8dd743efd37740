{{- define "shop.labels" -}}
app: {{ .Chart.Name }}
release: {{ .Release.Name }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- define "shop.nested" -}}{{ include "shop.labels" . | nindent 4 }}{{ end -}}
