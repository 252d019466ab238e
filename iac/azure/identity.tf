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

# What taking messages from a queue needs, finishing them and putting them back; and looking at how many there are.
resource "azurerm_role_definition" "reads" {
  name        = "${var.name}: reads its queue"
  scope       = azurerm_resource_group.this.id
  description = "Takes, finishes and puts back the messages of a queue, and counts them."

  permissions {
    actions = ["${local.queues}/read"]
    data_actions = [
      "${local.queues}/messages/process/action",
      "${local.queues}/messages/write",
      "${local.queues}/messages/add/action",
      "${local.queues}/messages/read",
    ]
  }
}

resource "azurerm_role_assignment" "queue" {
  for_each = local.events

  scope              = azurerm_storage_queue.events[each.key].id
  role_definition_id = azurerm_role_definition.reads.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.function[each.key].principal_id
  principal_type     = "ServicePrincipal"
}

resource "azurerm_role_assignment" "gives_up" {
  for_each = local.events

  scope                = azurerm_storage_queue.dead_letters[each.key].id
  role_definition_name = "Storage Queue Data Message Sender"
  principal_id         = azurerm_user_assigned_identity.function[each.key].principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_definition" "starts" {
  name        = "${var.name}: starts the job"
  scope       = azurerm_resource_group.this.id
  description = "Reads a job of Container Apps and starts it."

  permissions {
    actions = ["Microsoft.App/jobs/read", "Microsoft.App/jobs/start/action"]
  }
}

# One for each function and job that it starts.
resource "azurerm_role_assignment" "starts" {
  for_each = local.starters

  scope              = azurerm_container_app_job.job[each.value.job].id
  role_definition_id = azurerm_role_definition.starts.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.function[each.value.function].principal_id
  principal_type     = "ServicePrincipal"
}

resource "azurerm_role_assignment" "pull" {
  for_each = var.registry == "" ? {} : local.functions

  scope                = var.registry
  role_definition_name = "AcrPull"
  principal_id         = azurerm_user_assigned_identity.function[each.key].principal_id
  principal_type       = "ServicePrincipal"
}
