package controlplane

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/oasdiff/yaml"
)

// summary is the state for people, and for golden files: by names, with what a
// deployment chose, and nothing that changes from one run to the next.
func (s *state) summary() (string, error) {
	text, err := yaml.Marshal(doc{
		"project":         doc{"id": s.project.ID, "billing": s.project.Billing},
		"services":        slices.Sorted(maps.Keys(s.services)),
		"databases":       s.summarizeDatabases(),
		"serviceAccounts": s.summarizeAccounts(),
		"roles":           s.summarizeRoles(),
		"iam":             s.grants("projects/" + s.project.ID),
		"secrets":         s.summarizeSecrets(),
		"functions":       s.summarizeFunctions(),
		"apis":            s.summarizeAPIs(),
		"gateways":        s.summarizeGateways(),
		"keys":            s.summarizeKeys(),
		"metrics":         s.metrics,
		"alerts":          s.summarizeAlerts(),
	})
	return string(text), err
}

func (s *state) summarizeDatabases() doc {
	all := make(doc)
	for id, d := range s.databases {
		summary := d.doc.only("type", "locationId", "deleteProtectionState")
		indexes := []string{}
		for _, i := range d.indexes {
			indexes = append(indexes, summarizeIndex(i))
		}
		slices.Sort(indexes)
		summary["indexes"] = indexes
		ttl, unindexed := []string{}, []string{}
		for _, f := range sorted(d.fields) {
			name := groupOf(f) + "." + lastPart(f.text("name"))
			if f.sub("ttlConfig") != nil {
				ttl = append(ttl, name)
			}
			if config := f.sub("indexConfig"); config != nil {
				unindexed = append(unindexed, fmt.Sprintf("%s (%d indexes)", name, len(config.list("indexes"))))
			}
		}
		summary["ttl"], summary["exemptions"] = ttl, unindexed
		all[id] = summary
	}
	return all
}

// summarizeIndex is such as "Visit: page ASCENDING, at DESCENDING".
func summarizeIndex(index doc) string {
	var fields []string
	for _, f := range index.list("fields") {
		field := asDoc(f)
		if field.text("fieldPath") != "__name__" {
			fields = append(fields, field.text("fieldPath")+" "+field.text("order")+field.text("arrayConfig"))
		}
	}
	return groupOf(index) + ": " + strings.Join(fields, ", ")
}

func (s *state) summarizeAccounts() doc {
	all := make(doc)
	for email, a := range s.accounts {
		summary := a.only("displayName", "description")
		summary["iam"] = s.grants(a.text("name"))
		all[email] = summary
	}
	return all
}

func (s *state) summarizeRoles() doc {
	all := make(doc)
	for id, r := range s.roles {
		all[id] = r.only("title", "description", "stage", "includedPermissions", "deleted")
	}
	return all
}

// grants are a policy's members, by role.
func (s *state) grants(name string) doc {
	all := make(map[string][]string)
	for _, b := range s.policyOf(name).bindings {
		role := b.text("role")
		if c := b.sub("condition"); c != nil {
			role += " if " + c.text("expression")
		}
		for _, m := range b.list("members") {
			member, _ := m.(string)
			member, _, _ = strings.Cut(member, "?uid=")
			all[role] = append(all[role], member)
		}
		slices.Sort(all[role])
	}
	d := make(doc)
	for role, members := range all {
		d[role] = members
	}
	return d
}

func (s *state) summarizeSecrets() doc {
	all := make(doc)
	for id, secret := range s.secrets {
		enabled := 0
		for _, v := range secret.versions {
			if v.text("state") == "ENABLED" {
				enabled++
			}
		}
		summary := secret.doc.only("labels", "replication")
		summary["versions"] = enabled
		summary["iam"] = s.grants("projects/" + s.project.ID + "/secrets/" + id)
		all[id] = summary
	}
	return all
}

func (s *state) summarizeFunctions() doc {
	all := make(doc)
	for name, f := range s.functions {
		summary := f.sub("serviceConfig").only("serviceAccountEmail", "availableCpu", "availableMemory", "maxInstanceRequestConcurrency",
			"minInstanceCount", "maxInstanceCount", "ingressSettings", "environmentVariables", "timeoutSeconds", "uri")
		maps.Copy(summary, f.sub("buildConfig").only("entryPoint", "runtime"))
		maps.Copy(summary, f.only("state", "labels"))
		summary["buildServiceAccount"] = lastPart(f.text("buildConfig", "serviceAccount"))
		summary["region"] = strings.Split(name, "/")[3]
		summary["secrets"] = mountsOf(f)
		summary["iam"] = s.grants(serviceOf(name))
		all[lastPart(name)] = summary
	}
	return all
}

// mountsOf are a function's secrets by the file or the variable that has them.
func mountsOf(f doc) doc {
	mounts := make(doc)
	for _, v := range f.list("serviceConfig", "secretVolumes") {
		volume := asDoc(v)
		for _, v := range volume.list("versions") {
			version := asDoc(v)
			mounts[volume.text("mountPath")+"/"+strings.TrimPrefix(version.text("path"), "/")] = volume.text("secret") + ":" + version.text("version")
		}
	}
	for _, v := range f.list("serviceConfig", "secretEnvironmentVariables") {
		variable := asDoc(v)
		mounts[variable.text("key")] = variable.text("secret") + ":" + variable.text("version")
	}
	return mounts
}

func (s *state) summarizeAPIs() doc {
	all := make(doc)
	for id, a := range s.apis {
		configs := make(doc)
		for name, c := range s.configs {
			if strings.HasPrefix(name, a.text("name")+"/configs/") {
				summary := c.only("displayName", "labels")
				summary["backendAccount"] = lastPart(c.text("gatewayServiceAccount"))
				configs[lastPart(name)] = summary
			}
		}
		summary := a.only("displayName", "labels", "managedService")
		summary["configs"] = configs
		all[id] = summary
	}
	return all
}

func (s *state) summarizeGateways() doc {
	all := make(doc)
	for name, g := range s.gateways {
		summary := g.only("displayName", "labels", "defaultHostname")
		summary["config"] = lastPart(g.text("apiConfig"))
		summary["region"] = strings.Split(name, "/")[3]
		all[lastPart(name)] = summary
	}
	return all
}

func (s *state) summarizeKeys() doc {
	all := make(doc)
	for id, k := range s.keys {
		if k.text("deleteTime") != "" {
			id = "deleted " + id
		}
		all[id] = k.only("displayName", "restrictions")
	}
	return all
}

func (s *state) summarizeAlerts() []doc {
	all := []doc{}
	for _, a := range sorted(s.alerts) {
		summary := maps.Clone(a)
		delete(summary, "name")
		all = append(all, summary)
	}
	slices.SortStableFunc(all, func(a, b doc) int { return strings.Compare(a.text("displayName"), b.text("displayName")) })
	return all
}
