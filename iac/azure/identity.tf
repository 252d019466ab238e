# Each function is somebody of its own, and may do what it declares and nothing else.
resource "azurerm_user_assigned_identity" "function" {
  for_each = local.functions

  name                = "${var.name}-${local.slug[each.key]}"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
}

resource "azurerm_role_definition" "verbs" {
  for_each = local.roles

  name        = "${var.name}: ${each.key}"
  scope       = azurerm_resource_group.this.id
  description = "What Tidemill's functions declare as ${each.key}."

  permissions {
    data_actions = distinct(flatten([for verb in each.value : local.permissions[verb]]))
  }
}

resource "azurerm_role_assignment" "grant" {
  for_each = local.grants

  scope              = azurerm_storage_container.zone[each.value.zone].id
  role_definition_id = azurerm_role_definition.verbs[join("-", each.value.verbs)].role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.function[each.value.function].principal_id
  principal_type     = "ServicePrincipal"
}

resource "azurerm_role_definition" "starts" {
  name        = "${var.name}: starts the job"
  scope       = azurerm_resource_group.this.id
  description = "Reads a job of Container Apps and starts it."

  permissions {
    actions = ["Microsoft.App/jobs/read", "Microsoft.App/jobs/start/action"]
  }
}

resource "azurerm_role_assignment" "starts" {
  for_each = local.starters

  scope              = azurerm_container_app_job.job.id
  role_definition_id = azurerm_role_definition.starts.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.function[each.key].principal_id
  principal_type     = "ServicePrincipal"
}

resource "azurerm_role_assignment" "pull" {
  for_each = var.registry == "" ? {} : local.functions

  scope                = var.registry
  role_definition_name = "AcrPull"
  principal_id         = azurerm_user_assigned_identity.function[each.key].principal_id
  principal_type       = "ServicePrincipal"
}
