output "endpoint" {
  description = "Where predictions are asked for."
  value       = "https://${azurerm_container_app.endpoint["realtime_inference"].ingress[0].fqdn}"
}

output "account" {
  description = "The storage account; files are dropped into its container landing."
  value       = azurerm_storage_account.zones.name
}

output "alerts" {
  description = "The topic of what is wrong with models."
  value       = azurerm_eventgrid_topic.alerts.endpoint
}
