package parsers

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fastjson"
)

// jsonField is what a key of a JSON log may tell.
type jsonField uint8

const (
	jsonTime jsonField = iota
	jsonClient
	jsonForwardedFor
	jsonUser
	jsonMethod
	jsonPath
	jsonQuery
	jsonRequest
	jsonHost
	jsonStatus
	jsonBytes
	jsonDuration
	jsonUserAgent
	jsonReferer
	jsonRequestID
	jsonAPIKey
	jsonAuthorization
	jsonCookie
	jsonToken
	jsonSession
	jsonTenant
	jsonRecords
	jsonBody
	jsonLogger // who wrote the line
	jsonLevel
	jsonMessage
	jsonAction      // what a firewall did, or a logger tells of
	jsonTokenID     // of a token: a claim of it, or a hash
	jsonAskedTenant // the tenant, as a header of the client's has it
	jsonCall        // a URL that the application is asked to call
	jsonSaid        // a body, of the request if that has one
	jsonResponse    // a status, where it is no object
	jsonMachine
	jsonProcess
	jsonAudit     // what an audit trail says came of a request
	jsonOperation // what a request did, where its method is not told
	jsonKind      // of the line
	jsonFailure   // why an operation failed
	jsonParams    // parameters of a request, of its query or its body, as a list of pairs
	jsonRead      // bytes that were read: by a proxy, of the response
	jsonSource    // an address, perhaps: where a firewall saw a request come from
	jsonZone      // of a time whose date stands apart
	jsonVerb      // what Azure names an operation, and its verb first where it is of storage
	jsonHeaders   // all headers of a request as one text, percent-encoded
	jsonContent   // a text that tells of a request, perhaps
	jsonFieldCount
)

// jsonFieldNames are the names of the fields that JSONConfig can place.
var jsonFieldNames = [...]string{
	"time", "client", "forwarded_for", "user", "method", "path", "query", "request", "host", "status", "bytes",
	"duration", "user_agent", "referer", "request_id", "api_key", "authorization", "cookie", "token", "session",
	"tenant", "records", "body",
}

// side says in which objects a key is looked for.
type side uint8

const (
	topSide      side = 1 << iota // the line itself
	requestSide                   // an object that is the request
	headerSide                    // an object that is the request's headers
	responseSide                  // an object that is the response

	asked    = topSide | requestSide
	sent     = topSide | requestSide | headerSide // what the client says of itself in a header
	answered = topSide | responseSide
)

// jsonKeys are the keys we know, the most telling first, in the form that
// canonicalKey gives them. A key after "=" is meant exactly as written.
var jsonKeys = []struct {
	field jsonField
	side  side
	unit  unit
	keys  string
}{
	{jsonTime, topSide, 0, `proxy.timestamp startutc timestart edgestarttimestamp requestreceivedtimestamp requesthandletime clientreceivedstarttimestamp msec timeiso8601 timelocal starttime requesttimeepoch requesttime =requestTime
		requestcontext.timeepoch requestcontext.requesttimeepoch reqtimesec startedat ts time unixtimestamp timestamp datetime eventtime eventtimestamp eventtimestampms timegenerated timestampinms timestampms timeutc asctime date =@t t
		timeunixnano observedtimeunixnano syslog.timestamp httpmessage.start unixtime requestdatetime reqstarttime`},
	{jsonClient, asked, 0, `=client_addr proxy.clientip requestcontext.http.sourceip requestcontext.identity.sourceip clientip cliip cip srcip remoteip remoteaddr clienthost clientaddr remoteaddress clientaddress
		sourceip ipaddress ip client.ip source.ip client.address source.address network.client.ip identity.sourceip
		downstreamremoteaddress calleripaddress useripaddress remotehost peeraddress peer remote client
		net.sock.peer.addr net.peer.ip network.peer.address srcendpoint.ip sourceipport remoteipaddress origin.address
		idorigh ipsource ipsrc visitorip realip attackdata.clientip requestip ipclient`},
	{jsonForwardedFor, sent, 0, `xforwardedfor httpxforwardedfor requestxforwardedfor forwardedfor xff
		xrealip httpxrealip forwarded httpforwarded cfconnectingip httpcfconnectingip trueclientip httptrueclientip
		fastlyclientip httpfastlyclientip`},
	{jsonForwardedFor, topSide, 0, `sourceips originalsrc forwardedforaddr xforwardedforheadervalue xfwdhdrval`},
	{jsonUser, asked, 0, `userid usr.id user.id user username remoteuser user.name usr.name clientusername
		httpuser authuser user.username authenticateduser authorizer.claims.sub authorizer.principalid claims.sub jwt.sub sub
		principalid principal consumer.username actorid actor login user.email usr.email useremail email
		csusername requester requestcontext.authorizer.jwt.claims.sub requestcontext.authorizer.claims.sub
		requestcontext.authorizer.principalid enduser.id principal.id actor.id currentuser.id auth.userid auth.user.id auth.sub callerprincipal auth.entityid`},
	{jsonUser, asked, 0, `user.uid wplogin operation.uservars.xhasurauserid`},
	{jsonUser, topSide, 0, `identity.requester.upn identity.requester.objectid identity.claim.upn identity.claim.oid`},
	{jsonUser, asked, 0, accountKey},
	{jsonMethod, asked, 0, `proxy.method requestcontext.http.method requestmethod method reqmethod httpmethod httprequestmethod clientrequestmethod verb requestverb meth
		csmethod requesthttpmethod clientrequesthttpmethodname connection.method clientreqhttpmethod`},
	{jsonPath, asked, 0, `proxy.path originalrequesturiwithargs requesturi clientrequesturi xenvoyoriginpath xenvoyoriginalpath originalurl
		url.original url.full uri requesturl url httpurl requestpath path clientrequestpath httptarget target rawpath
		rawurl requesteduri uripath httppath url.path urlpath csuristem reqpath resourcepath requestcontext.http.path protopayload.resource
		httprequesturi httprequestpath httpuri urldetails.path connection.path apito clientrequri`},
	{jsonQuery, asked, 0, `args querystring query requestquery clientrequestquery url.query uriquery urlquery httpquery rawquery rawquerystring querystr csuriquery
		querystringparameters url.querystring urldetails.querystring qs uriparam requestquerystring`},
	{jsonQuery, requestSide, 0, `search`},
	{jsonRequest, asked, 0, `request requestline httprequest requestedurl routekey`},
	{jsonHost, sent, 0, `proxy.host requesthost requestedhost clientrequesthost clientrequesthttphost clientreqhttphost httphost authority originalhost hostheader xhostheader cshost`},
	{jsonHost, requestSide | headerSide, 0, `host`},
	{jsonHost, sent, 0, `url.domain url.hostname urldetails.host`},
	{jsonHost, topSide, 0, machineKey},
	{jsonHost, sent, 0, `domainname domain
		servername vhost virtualhost reqhost requestcontext.domainname`},
	{jsonHost, requestSide, 0, `hostname`},
	{jsonHost, topSide, 0, `properties.hostname`},
	{jsonStatus, asked | responseSide, 0, `proxy.statuscode status statuscode responsecode responsestatus responsestatuscode httpstatus httpstatuscode
		edgeresponsestatus downstreamstatus responsecodesent elbstatuscode scstatus resstatuscode respstatus httpresponsestatuscode api.statuscode connection.status code resultcode
		responsestatus.code httpcode httpretcode rspcode respcode resp lbstatuscode returncode`},
	{jsonBytes, answered, 0, `bodybytessent bytessent responsesize responselength responsebodysize
		responsebodybytes responsebytes resbodysize respcontentlength responsecontentlength rescontentlength
		edgeresponsebytes edgeresponsebodybytes downstreamcontentsize bodybytes bytesout sentbytes respbodysize datalength bytesserved byteswritten
		network.byteswritten scbytes txbytes responsebodylen httpresponsebytes rspsize responsebytesize proxy.responsebytesize writtenbytes writebytes api.tx
		size bytes byte bodysize length`},
	{jsonBytes, responseSide, 0, `body.bytes contentlength headers.contentlength written`},
	{jsonBytes, topSide, 0, `contentlength`},
	{jsonDuration, answered, unitWhole, `=Duration`},
	{jsonDuration, answered, unit(time.Nanosecond), `durationns latencyns durationnanos event.duration totalns api.timetoresponseinns`},
	{jsonDuration, answered, unit(time.Microsecond), `durationus latencyus durationmicros durationusec durationmicroseconds responsetimeus timeelapsed`},
	{jsonDuration, answered, unit(time.Millisecond), `=responseTime =response-time =Elapsed durationms latencyms elapsedms
		responsetimems requesttimems timetakenms durationmillis elapsedmilliseconds durationmilliseconds responselatency latencies.request edgetimetofirstbytems
		totalduration turnaroundtimemsec latencytotal`},
	{jsonDuration, responseSide, unit(time.Millisecond), `elapsed`}, // httplog, of chi
	{jsonDuration, answered, unitNginx, `requesttime`},
	{jsonDuration, answered, unit(time.Second), `durations durationsec durationseconds
		latencyseconds elapsedseconds responsetimeseconds`},
	{jsonDuration, answered, unitUnknown, `=TimeTaken =requestTime latencyhuman duration latency responsetime elapsed elapsedtime
		timetaken requestduration processingtime took api.timetoresponse totaltime`},
	{jsonUserAgent, sent, 0, `useragent httpuseragent requestuseragent requseragent clientrequestuseragent
		useragent.original identity.useragent client.useragent ua agent csuseragent clientua
		proxy.useragent requestcontext.http.useragent requestcontext.identity.useragent httpagent useragentheader clientuseragent`},
	{jsonReferer, sent, 0, `referer referrer httpreferer httpreferrer requestreferer requestreferrer
		clientrequestreferer csreferer proxy.referer httprefer referrerheader clientreqreferer`},
	{jsonRequestID, sent, 0, `requestid xrequestid httpxrequestid reqid request.id rayid correlationid
		xcorrelationid traceid xamzntraceid trackingreference transactionid insertid
		xedgerequestid requestcontext.requestid auditid edgereqid`},
	{jsonRequestID, requestSide, 0, `id`},
	{jsonAPIKey, sent, 0, `apikey xapikey httpxapikey httpapikey requestxapikey requestapikey identity.apikey apikeyid identity.apikeyid auth.apikeyid accesskey`},
	{jsonAuthorization, sent, 0, `authorization httpauthorization requestauthorization`},
	{jsonCookie, sent, 0, `cookie httpcookie requestcookie cscookie cookies`},
	{jsonToken, sent, 0, `accesstoken authtoken bearertoken xauthtoken xaccesstoken httpxauthtoken jwt token requestxauthtoken`},
	{jsonToken, requestSide, 0, `clienttoken`},
	{jsonTokenID, asked, 0, `jti claims.jti jwt.jti authorizer.claims.jti auth.jti auth.tokenid tokenid tokenhash tokenfingerprint`},
	{jsonSession, asked, 0, `sessionid session.id session sid
		cookies.sessionid cookies.sid cookies.session cookies.connectsid cookies.phpsessid cookies.jsessionid
		cookiesessionid cookiesid cookiesession cookieconnectsid cookiephpsessid cookiejsessionid`},
	{jsonTenant, asked, 0, `user.tenantid user.tenant.id user.tenant user.orgid user.org.id user.org user.organizationid user.organization.id user.organization
		usr.tenantid usr.orgid auth.tenantid auth.tenant auth.orgid auth.org auth.user.tenantid auth.user.orgid session.tenantid session.orgid
		actor.tenantid actor.orgid principal.tenantid principal.orgid currentuser.tenantid currentuser.orgid
		authorizer.claims.orgid authorizer.claims.tenantid claims.orgid claims.tenantid jwt.orgid jwt.tenantid
		authorizer.claims.org authorizer.claims.tenant authorizer.claims.customorgid authorizer.claims.customtenantid
		claims.org claims.tenant jwt.org jwt.tenant`},
	{jsonTenant, asked, 0, `tenantid tenant.id tenant orgid org.id organizationid organization.id
		accountid account.id workspaceid workspace.id companyid organization org workspace`},
	{jsonAskedTenant, sent, 0, `xtenantid httpxtenantid requestxtenantid xtenant httpxtenant requestxtenant
		xorgid httpxorgid requestxorgid xorganizationid httpxorganizationid requestxorganizationid`},
	{jsonAskedTenant, headerSide, 0, `tenantid tenant orgid organizationid`},
	{jsonRecords, answered, 0, `recordcount recordsreturned records rowcount rowsreturned rows resultcount
		resultscount numrecords numresults itemcount itemsreturned`},
	{jsonBody, asked, 0, `requestbody reqbody requestpayload requestdata postdata formdata requestbody.content`},
	{jsonBody, requestSide, 0, `body.content body payload data`},
	{jsonLogger, topSide, 0, `logger loggername`},
	{jsonLevel, topSide, 0, `level severity severitytext lvl log.level`},
	{jsonMessage, topSide, 0, `msg message`},
	{jsonAction, topSide, 0, `action event stage flow requeststatus reqstatus`},
	{jsonCall, asked, 0, `providedurl webhookurl hookurl callbackurl`},
	{jsonSaid, topSide, 0, `body`},
	{jsonResponse, topSide, 0, `response`},
	{jsonMachine, topSide, 0, `hostname`},
	{jsonProcess, topSide, 0, `pid`},
	{jsonAudit, topSide, 0, `event.action`},
	{jsonOperation, requestSide, 0, `operation`},
	{jsonOperation, topSide, 0, `api.name`},
	{jsonKind, topSide, 0, `type requesttype`},
	{jsonFailure, topSide, 0, `error`},
	{jsonFailure, responseSide, 0, `data.error`},
	{jsonParams, topSide, 0, `params`},
	{jsonRead, topSide, 0, `bytesread`},
	{jsonSource, topSide, 0, `src`},
	{jsonZone, topSide, 0, `timezone tz`},
	{jsonVerb, topSide, 0, `operationname`},
	{jsonHeaders, topSide, 0, `httpmessage.requestheaders`},
	{jsonContent, topSide, 0, `content`},
}

// machineKey is the key by which a line tells the host that was asked for, or, where it was
// shipped, the machine that it comes from.
const machineKey = "host"

// accountKey is the key by which a line tells a user, or, where Azure's storage wrote it, what is
// stored there.
const accountKey = "accountname"

// backendKey is the key by which a line tells the host that was asked for, or, where HAProxy wrote
// it, the server behind it.
const backendKey = "servername"

// A jsonMark is a key of the line itself that tells which product wrote it, alone or with
// others.
type jsonMark uint64

const (
	markRails jsonMark = 1 << iota // lograge
	markPeer                       // of what calls the client's address a host: Tomcat, Sanic, Skipper
	markKamal
	markCloudFront
	markAkamai // DataStream
	markAPISIX
	markShipped // of what ships logs: Datadog, Graylog, Logstash, Splunk, Vector
	markLevel
	markMessage
	markMsg
	markTime
	markOTLP
	markKong
	markNetlify
	markCloudFoundry
	markLogAnalytics // Azure Monitor's tables
	markGateway      // of an API: Tyk, Amazon's
	markGrok         // Logstash's patterns of Apache's logs, before Elastic's common schema
	markHAProxy
	markDatabase // that the time of a request in databases and views is told, by GitLab
	markView
	markSyslog     // LoggerJSON, of Elixir, for Datadog
	markKubernetes // the audit log of its API, and what it logs of requests
	markInsights   // Azure's Application Insights
	markF5         // Distributed Cloud
	markBIGIP      // F5's, as it streams its telemetry
	markWSO2
	markStorage // Azure's
	markApigee
	markFrontDoor // Azure's
	markAgent
	markCode
	markElapsed
	markReferrer
	markLatency
	markRequest // as a text

	markZerolog = markLevel | markMessage | markTime
	markSlog    = markLevel | markMsg | markTime
	markGitLab  = markDatabase | markView
	markFluent  = markAgent | markCode // what Fluentd and Fluent Bit make of Apache's lines
	markBeego   = markElapsed | markReferrer
	markIris    = markCode | markLatency | markRequest
)

// jsonMarks are the keys that are marks, or lead to them by dots, in the form that canonicalKey gives
// them.
var jsonMarks = map[string]jsonMark{
	"controller":               markRails,
	"logicalusername":          markPeer,
	"byte":                     markPeer,
	"requestedhost":            markPeer,
	"reqcontentlength":         markKamal,
	"xedgelocation":            markCloudFront,
	"reqtimesec":               markAkamai,
	"apisixlatency":            markAPISIX,
	"ddsource":                 markShipped,
	"levelindex":               markShipped, // Semantic Logger, whose host is its machine
	"ddtags":                   markShipped,
	"shortmessage":             markShipped,
	"sourcetype":               markShipped,
	"tags":                     markShipped,
	"xedgeresulttype":          markCloudFront,
	"xedgerequestid":           markCloudFront,
	"xedgedetailedresulttype":  markCloudFront,
	"distributionid":           markCloudFront,
	"upstreamuri":              markKong,
	"deployid":                 markNetlify,
	"spaceid":                  markCloudFoundry,
	"timegenerated":            markLogAnalytics,
	"apiid":                    markGateway,
	"ident":                    markGrok,
	"terminationstate":         markHAProxy,
	"backendname":              markHAProxy,
	"bename":                   markHAProxy,
	"db":                       markDatabase,
	"view":                     markView,
	"syslog.severity":          markSyslog,
	"requestreceivedtimestamp": markKubernetes,
	"auditid":                  markKubernetes,
	"performancebucket":        markInsights,
	"rspcodeclass":             markF5,
	"telemetryeventcategory":   markBIGIP,
	"apito":                    markWSO2,
	"useragentheader":          markStorage,
	"apiproxy":                 markApigee,
	"trackingreference":        markFrontDoor,
	"timeunixnano":             markOTLP,
	"observedtimeunixnano":     markOTLP,
	"agent":                    markAgent,
	"code":                     markCode,
	"elapsedtime":              markElapsed,
	"httpreferrer":             markReferrer,
	"latency":                  markLatency,
	"request":                  markRequest,
	"level":                    markLevel,
	"message":                  markMessage,
	"msg":                      markMsg,
	"time":                     markTime,
}

// jsonLandlords are the keys by which a product names whose account with it the service runs
// under: one and the same for all its clients, and no tenant of its own.
var jsonLandlords = [...]struct {
	mark jsonMark
	key  string
}{
	{markKong, "workspace"},
	{markNetlify, "accountid"},
	{markCloudFoundry, "organizationid"},
	{markLogAnalytics, "tenantid"},
	{markGateway, "orgid"},
	{markGateway, "accountid"},
	{markF5, "tenant"},
	{markBIGIP, "tenant"},
	{markApigee, "organization"},
}

// Names of objects that hold the parts of a request. What is in them goes before
// what stands beside them.
const (
	requestObjects  = `request req span`
	headerObjects   = `headers header requestheaders requestheader reqheaders`
	responseObjects = `response httpresponse res resp responseheaders respheaders responseheader resheaders`
	bothObjects     = `http httprequest httpinfo httpmessage`
	// Objects that hold the request and the response, and nothing of them beside: Cloudflare's.
	eventObjects = `event`
	// Objects that loggers and shippers wrap around the whole.
	wholeObjects = `fields content attributes context jsonpayload protopayload properties log message data extra payload record meta metadata access state transaction detail nginx json logcontent`
)

// hitObject is what Elasticsearch, and what dumps it, puts around a document. Written
// otherwise, a source is where a request came from.
const hitObject = "_source"

// A jsonNode is what an object or a value of a JSON log may mean, by the keys that
// lead to it.
type jsonNode struct {
	uses  []jsonUse
	mark  jsonMark
	text  bool // an object may stand here in a string
	exact map[string]*jsonNode
	loose map[string]*jsonNode // by canonicalKey
}

// A jsonUse is one meaning of a value.
type jsonUse struct {
	field jsonField
	rank  uint8 // the lower goes before the higher
	unit  unit
}

// leads tells whether there is anything below the node.
func (n *jsonNode) leads() bool { return len(n.exact)+len(n.loose) > 0 }

// means tells whether the value may be that field.
func (n *jsonNode) means(field jsonField) bool {
	return slices.ContainsFunc(n.uses, func(u jsonUse) bool { return u.field == field })
}

// isBody tells whether an object that stands there is a body, as a whole.
func (n *jsonNode) isBody() bool { return n.means(jsonBody) || n.means(jsonSaid) }

// gave tells whether the field was taken by that rank from that key.
func (n *jsonNode) gave(key string, field jsonField, rank uint8) bool {
	return slices.Contains(n.loose[key].uses, jsonUse{field: field, rank: rank})
}

// isMachine tells whether a host that was taken by that rank, from a line with these marks, is that of
// a machine: where the log comes from, or what a proxy has asked.
func (n *jsonNode) isMachine(rank uint8, marks jsonMark) bool {
	return marks&markShipped != 0 && n.gave(machineKey, jsonHost, rank) || marks&markHAProxy != 0 && n.gave(backendKey, jsonHost, rank)
}

// isLandlord tells whether a tenant that was taken by that rank, from a line with these marks, is
// one of jsonLandlords.
func (n *jsonNode) isLandlord(rank uint8, marks jsonMark) bool {
	for _, l := range jsonLandlords {
		if marks&l.mark != 0 && n.gave(l.key, jsonTenant, rank) {
			return true
		}
	}
	return false
}

// maxKeyLen is how long a key may be, in bytes, that is known in any spelling and remembered.
const maxKeyLen = 256

// find returns what the key means below the node: as written, in any spelling, or
// as a path with dots.
func (n *jsonNode) find(key string) *jsonNode { return n.findPath(key, map[jsonKey]bool{}) }

// findPath is find but for paths of which it is known that they lead nowhere, to which it
// adds. Without them it would take twice as long with each dot, for a key that a client may
// have made up: what wraps others may stand below itself, as written and in any spelling.
func (n *jsonNode) findPath(key string, nowhere map[jsonKey]bool) *jsonNode {
	if child := n.exact[key]; child != nil {
		return child
	}
	if len(key) > maxKeyLen {
		return nil
	}
	if child := n.loose[canonicalKey(key)]; child != nil {
		return child
	}
	if name, typed := cutColumnType(key); typed {
		// What ends in "_s" and is a time may be named for seconds: no text says its unit.
		if child := n.loose[canonicalKey(name)]; child != nil && (key[len(name):] != "_s" || !child.means(jsonDuration)) {
			return child
		}
	}
	first, rest, dotted := strings.Cut(key, ".")
	if !dotted || nowhere[jsonKey{n, key}] {
		return nil
	}
	for _, child := range [...]*jsonNode{n.exact[first], n.loose[canonicalKey(first)]} {
		if child == nil {
			continue
		}
		if child = child.findPath(rest, nowhere); child != nil {
			return child
		}
	}
	nowhere[jsonKey{n, key}] = true
	return nil
}

// cutColumnType cuts off a key what Azure's table of diagnostics puts behind the names of columns:
// that they hold a string, a double, a time, a GUID or a boolean; or OVH's logs: an integer.
func cutColumnType(key string) (name string, typed bool) {
	if name, typed = strings.CutSuffix(key, "_int"); typed {
		return name, name != ""
	}
	n := len(key) - len("_s")
	if n < 1 || key[n] != '_' || strings.IndexByte("sdtgb", key[n+1]) < 0 {
		return key, false
	}
	return key[:n], true
}

// canonicalKey returns the letters and digits of a key, lower case.
func canonicalKey(key string) string {
	b := make([]byte, 0, 32)
	for i := range min(len(key), 64) {
		switch c := key[i]; {
		case c >= 'A' && c <= 'Z':
			b = append(b, c|0x20)
		case c >= 'a' && c <= 'z' || isDigit(c):
			b = append(b, c)
		}
	}
	return string(b)
}

// jsonTree returns the meaning of a line's keys. It is not to be changed: that of logs of which
// nothing is said is one for all.
func jsonTree(c JSONConfig) *jsonNode {
	if len(c.Fields) == 0 {
		return usualTree()
	}
	top := newTree()
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		if i := slices.Index(jsonFieldNames[:], name); i >= 0 {
			top.place(c.Fields[name], jsonUse{field: jsonField(i)})
		}
	}
	return top
}

var usualTree = sync.OnceValue(newTree)

// newTree returns the meaning of the keys that are known.
func newTree() *jsonNode {
	top, request, header, response, both := &jsonNode{}, &jsonNode{}, &jsonNode{}, &jsonNode{}, &jsonNode{}
	var used [jsonFieldCount]uint8
	for _, k := range jsonKeys {
		for key := range strings.FieldsSeq(k.keys) {
			used[k.field] += 2
			use := jsonUse{field: k.field, rank: used[k.field], unit: k.unit}
			if k.side&requestSide != 0 {
				request.add(key, use)
			}
			if k.side&headerSide != 0 {
				header.add(key, use)
			}
			if k.side&responseSide != 0 {
				response.add(key, use)
			}
			// The headers of what is both are the request's.
			if k.side&requestSide != 0 || k.side&responseSide != 0 && !strings.HasPrefix(key, "headers.") {
				both.add(key, use)
			}
			use.rank++
			if k.side&topSide != 0 {
				top.add(key, use)
			}
		}
	}
	for key, mark := range jsonMarks {
		n := top
		for part := range strings.SplitSeq(key, ".") {
			n = n.below(part)
		}
		n.mark = mark
	}
	top.below("properties").text = true // Azure's
	request.graft(headerObjects, header)
	for _, n := range [...]*jsonNode{both, top} {
		n.graft(requestObjects, request)
		n.graft(headerObjects, header)
		n.graft(responseObjects, response)
	}
	top.graft(bothObjects, both)
	event := &jsonNode{}
	event.graft(requestObjects, request)
	event.graft(responseObjects, response)
	top.graft(eventObjects, event)
	top.graft(wholeObjects, top)
	top.below("body").below("kvlistvalue").graft("values", top) // OTLP's
	top.add("="+hitObject, jsonUse{})
	*top.exact[hitObject] = jsonNode{exact: top.exact, loose: top.loose}
	return top
}

// TellRequests tells whether objects with these keys, or rows with columns of these names, hold
// requests and their times, as JSON knows them.
func TellRequests(keys []string) bool {
	tree := jsonTree(JSONConfig{})
	var has [jsonFieldCount]bool
	for _, key := range keys {
		if node := tree.find(key); node != nil {
			for _, use := range node.uses {
				has[use.field] = true
			}
		}
	}
	return has[jsonTime] && (has[jsonRequest] || has[jsonPath] && (has[jsonMethod] || has[jsonStatus]))
}

// add gives the value at a path of known keys one more meaning.
func (n *jsonNode) add(path string, use jsonUse) {
	if key, exact := strings.CutPrefix(path, "="); exact {
		if n.exact == nil {
			n.exact = map[string]*jsonNode{}
		}
		if n.exact[key] == nil {
			n.exact[key] = &jsonNode{}
		}
		n.exact[key].uses = append(n.exact[key].uses, use)
		return
	}
	for key := range strings.SplitSeq(path, ".") {
		n = n.below(key)
	}
	n.uses = append(n.uses, use)
}

// below returns the node that a known key leads to, new if there was none.
func (n *jsonNode) below(key string) *jsonNode {
	if n.loose == nil {
		n.loose = map[string]*jsonNode{}
	}
	if n.loose[key] == nil {
		n.loose[key] = &jsonNode{}
	}
	return n.loose[key]
}

// graft makes all that is below other stand below each of the keys too. Where other
// is n itself, such keys may follow one another.
func (n *jsonNode) graft(keys string, other *jsonNode) {
	for key := range strings.FieldsSeq(keys) {
		child := n.below(key)
		child.exact = other.exact
		if len(child.loose) == 0 {
			child.loose = other.loose
			continue
		}
		loose := maps.Clone(other.loose)
		maps.Copy(loose, child.loose)
		child.loose = loose
	}
}

// place gives the value at a path, as written in the log, a meaning that goes
// before all others. A dot may be part of a key or lead into an object.
func (n *jsonNode) place(path string, use jsonUse) {
	child := n.own(path)
	for _, known := range child.uses {
		if known.field == use.field {
			use.unit = known.unit
			break
		}
	}
	child.uses = append([]jsonUse{use}, child.uses...)
	if key, rest, dotted := strings.Cut(path, "."); dotted {
		n.own(key).place(rest, use)
	}
}

// own returns the node of exactly this key, which begins as what the key was known for.
func (n *jsonNode) own(key string) *jsonNode {
	if child := n.exact[key]; child != nil {
		return child
	}
	child := &jsonNode{}
	if known := n.find(key); known != nil {
		child.uses = known.uses
		child.mark, child.text = known.mark, known.text
		child.loose = known.loose
		child.exact = maps.Clone(known.exact)
	}
	if n.exact == nil {
		n.exact = map[string]*jsonNode{}
	}
	n.exact[key] = child
	return child
}

// A JSONKey is a key of a JSON log that GuessJSON takes for one of our fields.
type JSONKey struct {
	Field string // one of JSONFields
	Key   string // as JSONConfig has it: dots lead into objects
	// Lines of all Of objects hold a value there that the field can be. Where
	// ByContent is not set, the key is known by its name; where it is, all it ever
	// holds looks like the field.
	Lines, Of int
	ByContent bool
}

// GuessJSON tells from lines of a JSON log, in envelopes or not, which keys hold our
// fields: by their names, and failing that the time, the client, the method, the path
// and the status by what they hold. The keys are in the order of JSONFields, and the
// config holds all of them. Nothing of what the keys hold is returned.
func GuessJSON(lines []string) (JSONConfig, []JSONKey) {
	g := jsonGuesser{tree: jsonTree(JSONConfig{}), known: map[string]*keyGuess{}}
	read := enveloped(g.read)
	var f Fields
	for _, line := range lines {
		_ = read(line, &f) // what is no object says nothing
	}
	config := JSONConfig{Fields: map[string]string{}}
	var keys []JSONKey
	for i, name := range jsonFieldNames {
		field := jsonField(i)
		alike := g.alike(field)
		if k := g.named(field); k != nil && (alike == nil || field != jsonClient || 2*k.looks[field] >= k.lines) {
			keys = append(keys, JSONKey{Field: name, Key: k.path, Lines: k.fits[field], Of: g.objects})
			config.Fields[name] = k.path
		} else if alike != nil { // a client by name may be a program
			keys = append(keys, JSONKey{Field: name, Key: alike.path, Lines: alike.lines, Of: g.objects, ByContent: true})
			config.Fields[name] = alike.path
		}
	}
	return config, keys
}

// maxDepth is how deep in an object GuessJSON looks for keys.
const maxDepth = 8

// jsonGuesser gathers what the keys of a log hold.
type jsonGuesser struct {
	tree    *jsonNode
	parser  jsonParser
	objects int
	marks   jsonMark             // of all objects
	known   map[string]*keyGuess // at most maxKeys
	order   []*keyGuess          // as they were met
}

// keyGuess is what is known of one key.
type keyGuess struct {
	path  string
	lines int // in which it holds anything
	last  int // number of the last of them
	named bool
	fits  [jsonFieldCount]int   // lines in which its value fits a field it is named for
	rank  [jsonFieldCount]uint8 // of its name for that field
	looks [jsonFieldCount]int   // lines in which its value looks like a field
}

// read takes in what the keys of a line hold. It is a ParseFunc.
func (g *jsonGuesser) read(line string, f *Fields) error {
	f.reset()
	g.parser.f = f
	object, _, err := g.parser.object(line)
	if err != nil {
		return err
	}
	g.objects++
	g.walk(object, g.tree, "", maxDepth)
	return nil
}

// walk takes in what the keys of an object hold, that stands at the path and means
// what the node does, if it is not nil.
func (g *jsonGuesser) walk(object *fastjson.Object, node *jsonNode, path string, depth int) {
	object.Visit(func(key []byte, v *fastjson.Value) {
		at := path + string(key)
		var child *jsonNode
		if node != nil {
			child = node.find(string(key))
		}
		if child != nil {
			g.marks |= child.mark
		}
		if v.Type() == fastjson.TypeArray {
			if v = v.Get("0"); v == nil {
				return
			}
		}
		switch v.Type() {
		case fastjson.TypeObject:
			if object, err := v.Object(); err == nil && depth > 0 {
				g.walk(object, child, at+".", depth-1)
			}
		case fastjson.TypeString:
			text, _ := v.StringBytes()
			if child != nil && child.text && !g.parser.nested {
				if object := g.parser.textObject(text); object != nil {
					g.parser.nested = true
					g.walk(object, child, at+".", depth-1)
					g.parser.nested = false
					return
				}
			}
			g.take(at, child, string(text))
		case fastjson.TypeNumber:
			g.take(at, child, string(v.MarshalTo(nil)))
		}
	})
}

// take takes in what the key at the path holds in one line.
func (g *jsonGuesser) take(path string, node *jsonNode, value string) {
	if value == "" || value == "-" || path == "" { // which no config can name
		return
	}
	k := g.known[path]
	if k == nil {
		if len(g.known) == maxKeys || len(path) > maxText {
			return
		}
		k = &keyGuess{path: path}
		g.known[path] = k
		g.order = append(g.order, k)
	}
	if k.last == g.objects { // twice in one object
		return
	}
	k.last = g.objects
	k.lines++
	if node != nil {
		for _, use := range node.uses {
			k.named = true
			if g.parser.set(use, value) {
				k.fits[use.field]++
				k.rank[use.field] = use.rank
				break
			}
		}
	}
	if field, ok := looksLike(value); ok {
		k.looks[field]++
	}
}

// looksLike tells which field a value could be, by the value alone.
func looksLike(value string) (field jsonField, ok bool) {
	if value[0] == '/' {
		return jsonPath, true
	}
	if v := digits(value); len(value) == 3 && v >= 100 && v <= 599 {
		return jsonStatus, true
	}
	if isUsualMethod(value) {
		return jsonMethod, true
	}
	if isAddress(value) {
		host := cutPort(value)
		if _, err := netip.ParseAddr(host); err == nil {
			return jsonClient, true
		}
		if _, err := netip.ParseAddr(value); err == nil {
			return jsonClient, true
		}
	}
	if _, ok := parseTime(value); ok {
		return jsonTime, true
	}
	return 0, false
}

// isUsualMethod tells whether s can hardly be anything but a method. CONNECT is also an event of a
// socket.
func isUsualMethod(s string) bool {
	switch s {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE":
		return true
	}
	return false
}

// named returns the key that by its name is the field: the one the format would
// choose, of those that are about as often there as any.
func (g *jsonGuesser) named(field jsonField) *keyGuess {
	most := 0
	for _, k := range g.order {
		most = max(most, k.fits[field])
	}
	var best *keyGuess
	for _, k := range g.order {
		if field == jsonHost && g.tree.isMachine(k.rank[field], g.marks) {
			continue
		}
		if field == jsonTenant && g.tree.isLandlord(k.rank[field], g.marks) {
			continue
		}
		if k.fits[field] > 0 && 2*k.fits[field] >= most && (best == nil || k.rank[field] < best.rank[field]) {
			best = k
		}
	}
	return best
}

// alike returns the key that holds nothing but what looks like the field, in at least
// half of the lines; of several the one that is there most often, then the first.
func (g *jsonGuesser) alike(field jsonField) *keyGuess {
	var best *keyGuess
	for _, k := range g.order {
		if k.named || k.looks[field] < k.lines || 2*k.lines < g.objects || isOfServer(k.path) {
			continue
		}
		if best == nil || k.lines > best.lines {
			best = k
		}
	}
	return best
}

// isOfServer tells by its name that a key is about the server, what is behind it, or
// an amount.
func isOfServer(path string) bool {
	name := canonicalKey(path)
	for _, word := range [...]string{
		"upstream", "server", "origin", "backend", "local", "target", "dest", "file", "port", "size", "bytes", "length",
		"duration", "elapsed", "latency", "expire", "count",
	} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
