package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/internal/partner"
)

// partnerOptions are what the commands about partners have in common.
type partnerOptions struct {
	folder string
}

// partnersFolder is where the documents of partners are, unless PARTNERS says.
const partnersFolder = "partners"

func partnerCommand() *cobra.Command {
	var o partnerOptions
	c := &cobra.Command{
		Use:   "partner",
		Short: "Say who may send signed updates: add a partner, change its secret, list all",
		Long: `Say who may send signed updates: add a partner, change its secret, list all.

A partner is a JSON document in a folder, which serve and the functions read again every
60 seconds: the one that PARTNERS names.`,
	}
	c.PersistentFlags().StringVar(&o.folder, "partners", envOr("PARTNERS", partnersFolder), "the folder of the documents (PARTNERS)")
	c.AddCommand(addPartnerCommand(&o), rotatePartnerCommand(&o), listPartnersCommand(&o))
	return c
}

type addPartnerOptions struct {
	*partnerOptions
	draft      partner.Draft
	tokenFile  string
	legacyText []string
}

func addPartnerCommand(in *partnerOptions) *cobra.Command {
	o := addPartnerOptions{partnerOptions: in}
	c := &cobra.Command{
		Use:   "add ID",
		Short: "Add a partner, and print its secret",
		Long: `Add a partner, and print its secret, which is in the document too and is shown no other time.

It may send no update of a type that --types does not name, and change no item that --skus
does not name: without --types it may send none.`,
		Example: "  tallystick partner add acme --types 'stock.*,delivery.updated' --skus 'ACME-*' > acme.secret",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.draft.ID = args[0]
			return o.run(c)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringSliceVar(&o.draft.Types, "types", nil, "updates it may send: stock.adjusted, stock.counted, delivery.updated; stock.* is both of stock")
	f.StringSliceVar(&o.draft.SKUs, "skus", nil, "items it may change; * stands for any text")
	f.StringVar(&o.tokenFile, "legacy-token-file", "", "a file with the token that it shares with us in the old scheme; better none, see docs/partner.md")
	f.StringSliceVar(&o.legacyText, "legacy-text", nil, "what it hashes in the old scheme: raw, python, compact")
	return c
}

func (o *addPartnerOptions) run(c *cobra.Command) error {
	if (o.tokenFile == "") != (len(o.legacyText) == 0) {
		return errors.New("--legacy-token-file and --legacy-text: give both or none")
	}
	if o.tokenFile != "" {
		token, err := readSecret(o.tokenFile)
		if err != nil {
			return fmt.Errorf("--legacy-token-file: %w", err)
		}
		o.draft.Token = token
	}
	for _, t := range o.legacyText {
		o.draft.Texts = append(o.draft.Texts, partner.Text(t))
	}
	secret, err := partner.Add(o.folder, o.draft, time.Now())
	if err != nil {
		return err
	}
	if err := o.tell(c, o.draft.ID, secret); err != nil {
		return err
	}
	d := o.draft
	fmt.Fprintf(c.ErrOrStderr(), `%s is written; serve knows it within 60 seconds if PARTNERS is %s.
Tell the partner, and the secret by another way than the rest:
  it sends    POST /partners/%s/updates, at the address where Tallystick is
  signed by   Standard Webhooks 1, www.standardwebhooks.com, with the secret
  it may send %s
  for items   %s
`, filepath.Join(o.folder, d.ID+".json"), o.folder, d.ID, listed(d.Types), listed(d.SKUs))
	return nil
}

// tell prints a secret, which is in the partner's document already.
func (o *partnerOptions) tell(c *cobra.Command, id, secret string) error {
	if _, err := fmt.Fprintln(c.OutOrStdout(), secret); err != nil {
		return fmt.Errorf("the secret is made, and could not be printed: it is in %s: %w", filepath.Join(o.folder, id+".json"), err)
	}
	return nil
}

// readSecret reads a secret from a file, for it is no flag's value: other users see those.
func readSecret(name string) (string, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return "", fmt.Errorf("%s is empty", name)
	}
	return string(b), nil
}

func rotatePartnerCommand(o *partnerOptions) *cobra.Command {
	var overlap time.Duration
	c := &cobra.Command{
		Use:   "rotate ID",
		Short: "Give a partner a new secret, and print it",
		Long: `Give a partner a new secret, and print it. The one before it stays good for a while, in
which the partner changes to the new one.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if overlap < 0 {
				return fmt.Errorf("--overlap: %v is before now", overlap)
			}
			now := time.Now()
			secret, err := partner.Rotate(o.folder, args[0], overlap, now)
			if err != nil {
				return err
			}
			if err := o.tell(c, args[0], secret); err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "The new secret is good as soon as serve has read it, within 60 seconds; the one before it until %s at most.\n",
				now.Add(overlap).UTC().Format(time.RFC3339))
			return nil
		},
	}
	c.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "how long the secret before it stays good; 0, if others know it")
	return c
}

func listPartnersCommand(o *partnerOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the partners, what each may do, and how long its keys are good",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			now := time.Now()
			all, err := partner.Read(o.folder, now)
			if err != nil {
				return err
			}
			if err := listPartners(c.OutOrStdout(), all.All(), now); err != nil {
				return err
			}
			if all.Wrong != nil {
				return fmt.Errorf("left out, for it cannot be read:\n%w", all.Wrong)
			}
			return nil
		},
	}
}

func listPartners(out io.Writer, all []*partner.Partner, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTYPES\tSKUS\tKEYS\tOLD SCHEME")
	for _, p := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", p.ID, listed(p.Types), listed(p.SKUs), keysInWords(p.ActiveKeys(now)), listed(p.Texts))
	}
	return w.Flush()
}

// keysInWords says how many keys are active, and when each ends.
func keysInWords(ends []time.Time) string {
	words := make([]string, len(ends))
	for i, end := range ends {
		words[i] = "no end"
		if !end.IsZero() {
			words[i] = "until " + end.UTC().Format(time.RFC3339)
		}
	}
	return strings.TrimSuffix(fmt.Sprintf("%d: %s", len(ends), strings.Join(words, ", ")), ": ")
}

// listed is a list as the flags take it.
func listed[S ~string](all []S) string {
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = string(s)
	}
	return cmp.Or(strings.Join(words, ","), "none")
}
