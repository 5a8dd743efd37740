{{/* Nothing. */}}
