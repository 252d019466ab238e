resource "azurerm_eventgrid_system_topic" "zones" {
  name                = var.name
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  source_resource_id  = azurerm_storage_account.zones.id
  topic_type          = "Microsoft.Storage.StorageAccounts"

  identity {
    type = "SystemAssigned"
  }
}

# Event Grid writes dead letters as itself.
resource "azurerm_role_assignment" "dead_letters" {
  scope                = azurerm_storage_container.dead_letters.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_eventgrid_system_topic.zones.identity[0].principal_id
  principal_type       = "ServicePrincipal"
}

# A subscription for each function and zone: it retries for a day, and keeps what nobody can handle.
resource "azurerm_eventgrid_system_topic_event_subscription" "trigger" {
  for_each = local.triggers

  name                  = "${each.value.zone}-${local.slug[each.value.function]}"
  resource_group_name   = azurerm_resource_group.this.name
  system_topic          = azurerm_eventgrid_system_topic.zones.name
  event_delivery_schema = "CloudEventSchemaV1_0"
  included_event_types  = ["Microsoft.Storage.BlobCreated"]

  subject_filter {
    subject_begins_with = "/blobServices/default/containers/${each.value.zone}/"
    case_sensitive      = true
  }

  webhook_endpoint {
    url                               = "https://${azurerm_container_app.function[each.value.function].ingress[0].fqdn}/events/${each.value.function}"
    max_events_per_batch              = 1
    preferred_batch_size_in_kilobytes = 64
  }

  delivery_property {
    header_name = "x-api-key"
    type        = "Static"
    value       = var.event_key
    secret      = true
  }

  retry_policy {
    event_time_to_live    = 1440
    max_delivery_attempts = 30
  }

  dead_letter_identity {
    type = "SystemAssigned"
  }

  storage_blob_dead_letter_destination {
    storage_account_id          = azurerm_storage_account.zones.id
    storage_blob_container_name = azurerm_storage_container.dead_letters.name
  }

  depends_on = [azurerm_role_assignment.dead_letters, azurerm_role_assignment.grant]
}
