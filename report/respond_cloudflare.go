package report

import "io"

// cloudflare returns items for a list of addresses. Cloudflare's networks of IPv6 are 64
// bits long at most; a longer one is listed address by address.
// https://developers.cloudflare.com/api/resources/rules/subresources/lists/subresources/items/methods/create/
func cloudflare() *PlanFormat {
	type item struct {
		IP      string `json:"ip"`
		Comment string `json:"comment"`
	}
	return &PlanFormat{
		Name: "cloudflare", File: "cloudflare.json", Doc: "items of a Cloudflare IP list: POST them to /accounts/ID/rules/lists/ID/items",
		Write: func(w io.Writer, p *Plan) error {
			items := []item{}
			for i := range p.Blocks {
				b := &p.Blocks[i]
				switch n := b.Network; {
				case n.Bits() == n.Addr().BitLen():
					items = append(items, item{n.Addr().String(), b.comment()})
				case n.Addr().Is6() && n.Bits() > 64:
					for _, ip := range b.Clients {
						items = append(items, item{ip, b.comment()})
					}
				default:
					items = append(items, item{n.String(), b.comment()})
				}
			}
			return WriteJSON(w, items)
		},
	}
}
