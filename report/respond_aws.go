package report

import (
	"fmt"
	"io"
)

// awsName is the name of the IP set in AWS WAF.
func awsName(family int) string { return fmt.Sprintf("litesoc-block-ipv%d", family) }

// An awsSet is what both commands take. A set holds one address family, and 10,000
// networks at most.
type awsSet struct {
	Name             string   `json:"Name"`
	Scope            string   `json:"Scope"`
	Description      string   `json:"Description"`
	IPAddressVersion string   `json:"IPAddressVersion,omitempty"` // of a set that is there, it cannot be given
	Addresses        []string `json:"Addresses"`
}

// awsWAF returns the input of create-ip-set.
// https://docs.aws.amazon.com/waf/latest/APIReference/API_CreateIPSet.html
func awsWAF(family int) *PlanFormat {
	return &PlanFormat{
		Name: fmt.Sprintf("aws-waf-v%d", family), File: fmt.Sprintf("aws-waf-ipv%d.json", family),
		Doc:   fmt.Sprintf("an IPv%d set for 'aws wafv2 create-ip-set --cli-input-json file://FILE'", family),
		Write: func(w io.Writer, p *Plan) error { return p.writeAWS(w, family, fmt.Sprintf("IPV%d", family)) },
	}
}

// awsWAFUpdate returns the input of update-ip-set, but for the id and the lock token of
// the set, which are given beside it.
// https://docs.aws.amazon.com/waf/latest/APIReference/API_UpdateIPSet.html
func awsWAFUpdate(family int) *PlanFormat {
	return &PlanFormat{
		Name: fmt.Sprintf("aws-waf-v%d-update", family), File: fmt.Sprintf("aws-waf-ipv%d-update.json", family),
		Doc:   fmt.Sprintf("the same IPv%d set for 'aws wafv2 update-ip-set --id ID --lock-token TOKEN --cli-input-json file://FILE'", family),
		Write: func(w io.Writer, p *Plan) error { return p.writeAWS(w, family, "") },
	}
}

func (p *Plan) writeAWS(w io.Writer, family int, version string) error {
	addresses, err := p.awsAddresses(family)
	if err != nil {
		return err
	}
	return WriteJSON(w, awsSet{awsName(family), "REGIONAL", awsDescription(p), version, addresses})
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
