output "endpoint" {
  description = "Where predictions are asked for."
  value       = google_cloud_run_v2_service.endpoint["realtime_inference"].uri
}

output "landing" {
  description = "Where files are dropped."
  value       = google_storage_bucket.zone["landing"].url
}

output "alerts" {
  description = "The topic of what is wrong with models."
  value       = google_pubsub_topic.alerts.id
}
