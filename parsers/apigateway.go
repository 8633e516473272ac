package parsers

import "strings"

// APIGateway reads what AWS API Gateway writes by those of its templates that are no JSON.
func APIGateway() *Format {
	return &Format{
		Name: "aws-apigateway",
		Doc: `AWS API Gateway access log: the CLF, CSV and XML templates of its documentation

  $context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime]"$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength $context.requestId
  $context.identity.sourceIp,$context.identity.caller,$context.identity.user,$context.requestTime,$context.httpMethod,$context.resourcePath,$context.protocol,$context.status,$context.responseLength,$context.requestId
  <request id="$context.requestId"> <ip>$context.identity.sourceIp</ip> … </request>

An extendedRequestId may follow. Of XML the elements may be any, in any order: their
names are those known of JSON logs. The JSON template is read as json, that of CLF for
HTTP APIs as nginx-combined, and any other can be given as the format, as the stage has
it. A resourcePath is the template of a path: ids are seen only where $context.path is
logged.`,
		Samples: []string{
			`203.0.113.9 - alice [01/Mar/2026:10:00:00 +0000]"GET /pets/{petId} HTTP/1.1" 200 1043 c6af9ac6-6b61-11e6-9a41-93e8deadbeef`,
			`203.0.113.9,-,-,01/Mar/2026:10:00:01 +0000,POST,/login,HTTP/1.1,401,36,c6af9ac6-6b61-11e6-9a41-93e8deadbeef,JKJaXmPLvHcESHA=`,
			`<request id="c6af9ac6-6b61-11e6-9a41-93e8deadbeef"> <ip>203.0.113.9</ip> <caller>-</caller> <user>alice</user> <requestTime>01/Mar/2026:10:00:02 +0000</requestTime> <httpMethod>GET</httpMethod> <resourcePath>/pets</resourcePath> <status>200</status> <protocol>HTTP/1.1</protocol> <responseLength>1043</responseLength> </request>`,
		},
		New: func() ParseFunc {
			p := &apiGateway{}
			for i := range 2 {
				p.clf[i], p.csv[i], p.http[i] = gatewayCLF[i].source(), gatewayCSV[i].source(), gatewayHTTP[i].source()
			}
			return enveloped(p.parse)
		},
	}
}

// The templates of REST and of HTTP APIs, each also with an extendedRequestId.
var (
	gatewayCLF = gatewayTemplates(" ", `$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime]`+
		`"$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength $context.requestId`)
	gatewayCSV = gatewayTemplates(",", `$context.identity.sourceIp,$context.identity.caller,$context.identity.user,$context.requestTime,`+
		`$context.httpMethod,$context.resourcePath,$context.protocol,$context.status,$context.responseLength,$context.requestId`)
	gatewayHTTP = gatewayTemplates(",", `$context.identity.sourceIp,$context.requestTime,`+
		`$context.httpMethod,$context.routeKey,$context.protocol,$context.status,$context.responseLength,$context.requestId`)
)

func gatewayTemplates(comma, template string) [2]*logParser {
	return [2]*logParser{constant(compileNginx(template, "none")), constant(compileNginx(template+comma+"$context.extendedRequestId", "none"))}
}

// apiGateway reads one source.
type apiGateway struct {
	clf, csv, http [2]ParseFunc
	xml            *jsonParser // made for the first line of XML: hardly any log has one
}

func (p *apiGateway) parse(line string, f *Fields) error {
	if strings.HasPrefix(line, "<request") {
		return p.parseXML(line, f)
	}
	if quote := strings.LastIndexByte(line, '"'); quote >= 0 {
		if err := p.clf[min(strings.Count(line[quote:], " ")/4, 1)](line, f); err != nil || isAddress(f.Remote) || f.Remote == "test-invoke-source-ip" {
			return err
		}
		return &Reject{Reason: "no address", Value: line}
	}
	switch commas := strings.Count(line, ","); commas {
	case 7, 8:
		return p.http[commas-7](line, f)
	case 9, 10:
		return p.csv[commas-9](line, f)
	}
	f.reset()
	return &Reject{Reason: "not of a template of API Gateway", Value: line}
}

// parseXML reads elements that hold text. What they mean is what their names mean in JSON.
func (p *apiGateway) parseXML(line string, f *Fields) error {
	f.reset()
	if p.xml == nil {
		p.xml = newJSONParser(JSONConfig{})
	}
	p.xml.begin(line, f)
	_, rest, _ := cutByte(line, '<')
	for rest != "" {
		var tag, value string
		tag, rest, _ = cutByte(rest, '>')
		value, rest, _ = cutByte(rest, '<')
		if name, id, found := strings.Cut(tag, ` id="`); found && name == "request" {
			f.RequestID = strings.TrimSuffix(id, `"`)
		} else if strings.HasPrefix(rest, "/"+tag+">") && tag != "" {
			if node := p.xml.child(p.xml.root, tag); node != nil {
				p.xml.take(node, value)
			}
		}
	}
	return p.xml.finish()
}
