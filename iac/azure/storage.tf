resource "azurerm_resource_group" "this" {
  name     = var.name
  location = var.location
}

# Nobody has a key of the account: functions come as themselves, people by their own roles.
resource "azurerm_storage_account" "zones" {
  name                            = replace(var.name, "-", "")
  resource_group_name             = azurerm_resource_group.this.name
  location                        = azurerm_resource_group.this.location
  account_kind                    = "StorageV2"
  account_tier                    = "Standard"
  account_replication_type        = "ZRS"
  min_tls_version                 = "TLS1_2"
  https_traffic_only_enabled      = true
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  local_user_enabled              = false

  allow_nested_items_to_be_public  = false
  cross_tenant_replication_enabled = false

  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = 30
    }

    container_delete_retention_policy {
      days = 30
    }
  }
}

# One container a zone: permissions differ.
resource "azurerm_storage_container" "zone" {
  for_each = local.declared.zones

  name                  = each.key
  storage_account_id    = azurerm_storage_account.zones.id
  container_access_type = "private"
}

# What Event Grid itself could not deliver.
resource "azurerm_storage_container" "undelivered" {
  name                  = "undelivered"
  storage_account_id    = azurerm_storage_account.zones.id
  container_access_type = "private"
}

# A queue for each function that events start, and one for what it gives up, with the reasons.
resource "azurerm_storage_queue" "events" {
  for_each = local.events

  name               = local.slug[each.key]
  storage_account_id = azurerm_storage_account.zones.id
}

resource "azurerm_storage_queue" "dead_letters" {
  for_each = local.events

  name               = "${local.slug[each.key]}-dead-letters"
  storage_account_id = azurerm_storage_account.zones.id
}

resource "azurerm_storage_management_policy" "zones" {
  storage_account_id = azurerm_storage_account.zones.id

  rule {
    name    = "forget-old-versions"
    enabled = true

    filters {
      blob_types = ["blockBlob"]
    }

    actions {
      version {
        delete_after_days_since_creation = 30
      }
    }
  }
}
