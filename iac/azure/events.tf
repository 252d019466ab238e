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

# Event Grid fills queues, and writes what it cannot deliver, as itself.
resource "azurerm_role_assignment" "delivers" {
  for_each = local.events

  scope                = azurerm_storage_queue.events[each.key].id
  role_definition_name = "Storage Queue Data Message Sender"
  principal_id         = azurerm_eventgrid_system_topic.zones.identity[0].principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "undelivered" {
  scope                = azurerm_storage_container.undelivered.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_eventgrid_system_topic.zones.identity[0].principal_id
  principal_type       = "ServicePrincipal"
}

# A subscription for each function and zone. An event waits in the function's queue for as long as the work takes.
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

  storage_queue_endpoint {
    storage_account_id                    = azurerm_storage_account.zones.id
    queue_name                            = azurerm_storage_queue.events[each.value.function].name
    queue_message_time_to_live_in_seconds = 1209600
  }

  delivery_identity {
    type = "SystemAssigned"
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
    storage_blob_container_name = azurerm_storage_container.undelivered.name
  }

  depends_on = [azurerm_role_assignment.delivers, azurerm_role_assignment.undelivered]
}

# What is wrong with a model is published here, for whoever subscribes.
resource "azurerm_eventgrid_topic" "alerts" {
  name                = "${var.name}-alerts"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  input_schema        = "CloudEventSchemaV1_0"
  local_auth_enabled  = false
}

resource "azurerm_role_assignment" "alerts" {
  for_each = { for name, each in local.functions : name => each if each.publishes }

  scope                = azurerm_eventgrid_topic.alerts.id
  role_definition_name = "EventGrid Data Sender"
  principal_id         = azurerm_user_assigned_identity.function[each.key].principal_id
  principal_type       = "ServicePrincipal"
}
