package controlplane

import (
	"archive/zip"
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

// The real gcloud walks through each group of commands. A test has its own control
// plane, and they run at the same time, for gcloud sleeps before it asks again. They are
// a long form: the tests of deploy.sh have gcloud make most of these calls.

// long is for the walks.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("SOAK") != "1" {
		t.Skip("SOAK=1 walks through all of gcloud's commands; the tests of deploy.sh use most of them")
	}
	t.Parallel()
}

func TestGcloudPreparesAProject(t *testing.T) {
	long(t)
	c := start(t)
	g := c.installed(t)
	g.wants(t, "auth print-access-token", "no-token")
	g.wants(t, "projects describe tally-test --format=value(projectNumber)", "123456789012")
	g.wants(t, "billing projects describe tally-test --format=value(billingEnabled)", "True")
	g.refused(t, "secrets list", "Secret Manager API has not been used in project tally-test before or it is disabled")
	g.wants(t, "services enable secretmanager.googleapis.com apikeys.googleapis.com", "")
	g.wants(t, "services list --enabled --format=value(config.name)", "apikeys.googleapis.com\nsecretmanager.googleapis.com")

	g.file(t, "payload", "sesame")
	g.run(t, "secrets create acme --replication-policy=automatic")
	g.run(t, "secrets versions add acme --data-file=payload")
	g.run(t, "secrets versions destroy 1 --secret=acme")
	g.run(t, "secrets update acme --update-labels=hash=abc")
	g.wants(t, "secrets list --filter=labels.hash:* --format=value(name)", "acme")
	g.run(t, "secrets add-iam-policy-binding acme --member=user:a@example.com --role=roles/secretmanager.secretAccessor")
	g.run(t, "secrets delete acme")
}

func TestGcloudKeepsDatabases(t *testing.T) {
	long(t)
	c := enabled(t)
	g := c.installed(t)
	g.run(t, "firestore databases create --database=(default) --location=us-central1 --type=datastore-mode --delete-protection")
	g.wants(t, "firestore databases describe --database=(default) --format=value(type)", "DATASTORE_MODE")
	g.file(t, "index.yaml", "indexes:\n- kind: Record\n  properties:\n  - name: collection\n  - name: at\n    direction: desc\n")
	g.run(t, "datastore indexes create index.yaml --database=(default)")
	c.Forget()
	g.run(t, "datastore indexes create index.yaml --database=(default)")
	if changes := c.Changes(); len(changes) > 0 {
		t.Errorf("the same indexes again: %v, want no change", changes)
	}
	g.wants(t, "datastore indexes list --format=value(kind)", "Record")
	g.run(t, "firestore fields ttls update expires --collection-group=Mark --enable-ttl --async --database=(default)")
	g.run(t, "firestore databases update --database=(default) --no-delete-protection")
	g.run(t, "firestore databases delete --database=(default)")

	c.must(t, "POST firestore/v1/projects/tally-test/databases?databaseId=native", `{"type":"FIRESTORE_NATIVE","locationId":"eur3"}`)
	g.run(t, "firestore indexes composite create --database=native --collection-group=R --field-config=field-path=a,order=ascending --field-config=field-path=b,order=descending --async")
	g.wants(t, "firestore indexes composite list --database=native --format=value(fields[1].order)", "DESCENDING")
	g.run(t, "firestore indexes fields update data --database=native --collection-group=R --disable-indexes --async")
}

func TestGcloudGivesRoles(t *testing.T) {
	long(t)
	c := enabled(t)
	g := c.installed(t)
	g.run(t, "iam service-accounts create fetch1 --display-name=Fetch")
	g.run(t, "iam roles create tally --title=Fetch --permissions=datastore.entities.get --stage=GA")
	g.run(t, "iam roles update tally --permissions=datastore.entities.get,datastore.entities.list")
	g.run(t, "iam roles delete tally")
	g.wants(t, "iam roles describe tally --format=value(deleted)", "True")
	g.run(t, "iam roles undelete tally")
	const binding = "-iam-policy-binding tally-test --condition=None --role=projects/tally-test/roles/tally --member=serviceAccount:" + account
	c.Fail(func(r Request) bool { return strings.Contains(r.Path, ":setIamPolicy") }, 1, 409, "")
	g.refused(t, "projects add"+binding, "conflict") // gcloud leaves it to its caller to try again
	g.run(t, "projects add"+binding)
	g.run(t, "projects remove"+binding)
	g.run(t, "iam service-accounts add-iam-policy-binding "+account+" --member=user:a@example.com --role=roles/iam.serviceAccountUser")
	g.run(t, "iam service-accounts delete "+account)
}

func TestGcloudDeploysFunctions(t *testing.T) {
	long(t)
	c := furnished(t)
	g := c.installed(t)
	g.file(t, "source/go.mod", "module example.com/f\n\ngo 1.26\n")
	const (
		at     = " --region=us-central1 --gen2"
		deploy = "functions deploy fetch --runtime=go126 --source=source --entry-point=Fetch --trigger-http --no-allow-unauthenticated --concurrency=80 --cpu=1 --memory=256Mi" +
			" --max-instances=5 --ingress-settings=all --timeout=30s --format=value(state) --service-account=" + account +
			" --build-service-account=projects/tally-test/serviceAccounts/" + builder + at
	)
	g.refused(t, deploy+" --set-secrets=/partners/acme/key=acme:latest", "Permission denied on secret: projects/123456789012/secrets/acme/versions/latest")
	c.must(t, "POST secretmanager/v1/projects/tally-test/secrets/acme:setIamPolicy", `{"policy":{"bindings":[{"role":"roles/secretmanager.secretAccessor","members":["serviceAccount:`+account+`"]}]}}`)
	g.wants(t, deploy+" --set-secrets=/partners/acme/key=acme:latest --set-env-vars=STORE=x --update-labels=hash=abc", "ACTIVE")
	g.wants(t, deploy+" --clear-secrets --update-labels=hash=abd", "ACTIVE")
	g.wants(t, "functions describe fetch --format=value(labels.hash,serviceConfig.uri)"+at, "abd\thttps://fetch-3f3dff7a-uc.a.run.app")
	archive := c.Archive("fetch")
	if z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive))); err != nil || len(z.File) != 1 || z.File[0].Name != "go.mod" {
		t.Errorf("the archive is %q, %v, want a zip with go.mod", archive, err)
	}

	const member = " --region=us-central1 --member=serviceAccount:" + account
	g.run(t, "functions add-invoker-policy-binding fetch"+member)
	g.wants(t, "run services get-iam-policy fetch --region=us-central1 --format=value(bindings.members)", "['serviceAccount:"+account+"']")
	g.run(t, "run services remove-iam-policy-binding fetch --role=roles/run.invoker"+member)
	g.wants(t, "functions list --format=value(name.basename(),state)", "fetch\tACTIVE")
	g.run(t, "functions delete fetch"+at)
}

func TestGcloudOpensAGateway(t *testing.T) {
	long(t)
	c := furnished(t)
	g := c.installed(t)
	g.file(t, "api.yaml", document)
	g.run(t, "api-gateway apis create second")
	const config = " --api=tally --openapi-spec=api.yaml --backend-auth-service-account=" + account
	g.run(t, "api-gateway api-configs create one"+config)
	c.must(t, "POST apigateway/v1/projects/tally-test/locations/global/apis/tally/configs?apiConfigId=two", apiConfig(document, account))
	if got := string(c.APIConfig("one")); got != document {
		t.Errorf("the config has %q, want the document that was sent", got)
	}
	g.wants(t, "api-gateway api-configs list --api=tally --sort-by=~createTime --format=value(name.basename())", "two\none")
	g.run(t, "api-gateway gateways create tally --api=tally --api-config=one --location=us-central1")
	g.run(t, "api-gateway gateways update tally --api=tally --api-config=two --location=us-central1")
	g.wants(t, "api-gateway gateways describe tally --location=us-central1 --format=value(apiConfig.basename(),defaultHostname)", "two\ttally-dd314461.uc.gateway.dev")
	g.run(t, "api-gateway api-configs delete one --api=tally")

	service := g.run(t, "api-gateway apis describe tally --format=value(managedService)")
	g.run(t, "services enable "+service)
	g.run(t, "services api-keys create --key-id=web --display-name=Web --api-target=service="+service)
	g.run(t, "services api-keys update web --display-name=Site --api-target=service="+service)
	g.wants(t, "services api-keys get-key-string web --format=value(keyString)", "AIzaSy-not-a-key-"+stable("web"))
	g.run(t, "services api-keys delete web")
	g.run(t, "services api-keys undelete web")
	g.run(t, "api-gateway gateways delete tally --location=us-central1")
	g.run(t, "api-gateway apis delete second")
}

func TestGcloudWatches(t *testing.T) {
	long(t)
	c := enabled(t)
	g := c.installed(t)
	g.file(t, "metric.yaml", "name: errors\nfilter: severity>=ERROR\n")
	g.file(t, "alert.yaml", "displayName: Errors\ncombiner: OR\nconditions:\n- displayName: many\n  conditionThreshold:\n    filter: metric.type=\"logging.googleapis.com/user/errors\"\n    comparison: COMPARISON_GT\n    duration: 60s\n")
	g.run(t, "logging metrics create errors --config-from-file=metric.yaml")
	g.wants(t, "logging metrics list --format=value(name)", "errors")
	g.run(t, "alpha monitoring policies create --policy-from-file=alert.yaml")
	name := g.run(t, "alpha monitoring policies list --filter=displayName=Errors --format=value(name)")
	g.run(t, "alpha monitoring policies delete "+name)
	g.run(t, "logging metrics delete errors")
}

func TestGcloudSeesNothingOfThisMachine(t *testing.T) {
	t.Parallel()
	g := start(t).installed(t)
	home := g.env[slices.IndexFunc(g.env, func(v string) bool { return strings.HasPrefix(v, "HOME=") })]
	g.folder = strings.TrimPrefix(home, "HOME=")
	g.file(t, ".config/gcloud/active_config", "default")
	g.file(t, ".config/gcloud/configurations/config_default", "[core]\naccount = somebody@example.com\n[compute]\nregion = mars-east1\n")
	if got := g.run(t, "config list --all --format=value(core.account,compute.region)"); got != "" {
		t.Errorf("gcloud has %q of the machine's own settings, want none", got)
	}
}

// wants wants gcloud to succeed and write this.
func (g *gcloud) wants(t *testing.T, command, want string) {
	t.Helper()
	if got := g.run(t, command); got != want {
		t.Errorf("gcloud %s: got %q, want %q", command, got, want)
	}
}
