package report

import (
	"fmt"
	"io"
)

// awsName is the name of the IP set in AWS WAF.
func awsName(family int) string { return fmt.Sprintf("litesoc-block-ipv%d", family) }

// awsWAF returns the input of create-ip-set. A set holds one address family, and 10,000
// networks at most.
// https://docs.aws.amazon.com/waf/latest/APIReference/API_CreateIPSet.html
func awsWAF(family int) *PlanFormat {
	return &PlanFormat{
		Name: fmt.Sprintf("aws-waf-v%d", family), File: fmt.Sprintf("aws-waf-ipv%d.json", family),
		Doc: fmt.Sprintf("an IPv%d set for 'aws wafv2 create-ip-set --cli-input-json file://FILE'", family),
		Write: func(w io.Writer, p *Plan) error {
			addresses, err := p.awsAddresses(family)
			if err != nil {
				return err
			}
			return writeIndented(w, struct {
				Name             string   `json:"Name"`
				Scope            string   `json:"Scope"`
				Description      string   `json:"Description"`
				IPAddressVersion string   `json:"IPAddressVersion"`
				Addresses        []string `json:"Addresses"`
			}{awsName(family), "REGIONAL", awsDescription(p), fmt.Sprintf("IPV%d", family), addresses})
		},
	}
}

// awsWAFUpdate returns the input of update-ip-set, but for the id and the lock token of
// the set, which are given beside it.
// https://docs.aws.amazon.com/waf/latest/APIReference/API_UpdateIPSet.html
func awsWAFUpdate(family int) *PlanFormat {
	return &PlanFormat{
		Name: fmt.Sprintf("aws-waf-v%d-update", family), File: fmt.Sprintf("aws-waf-ipv%d-update.json", family),
		Doc: fmt.Sprintf("the same IPv%d set for 'aws wafv2 update-ip-set --id ID --lock-token TOKEN --cli-input-json file://FILE'", family),
		Write: func(w io.Writer, p *Plan) error {
			addresses, err := p.awsAddresses(family)
			if err != nil {
				return err
			}
			return writeIndented(w, struct {
				Name        string   `json:"Name"`
				Scope       string   `json:"Scope"`
				Description string   `json:"Description"`
				Addresses   []string `json:"Addresses"`
			}{awsName(family), "REGIONAL", awsDescription(p), addresses})
		},
	}
}

const maxAWSAddresses = 10_000

func (p *Plan) awsAddresses(family int) ([]string, error) {
	var addresses []string
	for i := range p.Blocks {
		if n := p.Blocks[i].Network; n.Addr().Is4() == (family == 4) {
			addresses = append(addresses, n.String())
		}
	}
	if len(addresses) > maxAWSAddresses {
		return nil, fmt.Errorf("aws-waf: %d IPv%d networks, and a set holds %d: --aggregate, --severity or --since make them fewer", len(addresses), family, maxAWSAddresses)
	}
	return addresses, nil
}

// awsDescription is of letters that a description may have.
func awsDescription(p *Plan) string {
	return "Response plan of litesoc as of " + p.Through.UTC().Format("2006-01-02T15:04:05Z")
}
