output "endpoint" {
  description = "Where predictions are asked for."
  value       = "https://${azurerm_container_app.endpoint.ingress[0].fqdn}"
}

output "account" {
  description = "The storage account; files are dropped into its container landing."
  value       = azurerm_storage_account.zones.name
}
