// A charger connects to /ocpp/{charger id}, and API Gateway's WebSocket has no path: here path and query become a
// header, as they came. What they mean is read in one place, chalicelib/domain/charger_identity.py.
// Only what is verified at this edge goes on under our names; whatever a client sends under them is left out.
// JavaScript of CloudFront Functions (cloudfront-js-2.0). infrastructure/edge.py fills in the two settings.
const BELIEVES_CERTIFICATES = false; // true where CloudFront verifies them: only then are its headers its own
const STAGE_PATH = '/api';

const DOOR = /^\/*(ocpp(\/.*)?)?$/i;
// What a header can carry unchanged, and no name needs more of.
const TARGET = /^[!-~]{1,1024}$/;
const CERTIFICATE = 'cloudfront-viewer-cert-';

function handler(event) {
    const request = event.request;
    const certificate = shownCertificate(request.headers);
    Object.keys(request.headers).forEach(function (name) {
        const lower = name.toLowerCase();
        if (lower.indexOf('x-kerb-') === 0 || lower.indexOf(CERTIFICATE) === 0) {
            delete request.headers[name];
        }
    });
    const target = request.uri + queryOf(request.querystring);
    if (!DOOR.test(request.uri) || !TARGET.test(target)) {
        return {
            statusCode: 404,
            statusDescription: 'Not Found',
            headers: { 'content-type': { value: 'text/plain' } },
            body: 'Connect to /ocpp/{charger id}\n'
        };
    }
    request.headers['x-kerb-target'] = { value: target };
    Object.keys(certificate).forEach(function (name) {
        request.headers[name] = { value: certificate[name] };
    });
    request.uri = STAGE_PATH;
    return request;
}

function queryOf(parameters) {
    const pairs = [];
    Object.keys(parameters).forEach(function (name) {
        const parameter = parameters[name];
        (parameter.multiValue || [parameter]).forEach(function (one) {
            pairs.push(one.value === '' ? name : name + '=' + one.value);
        });
    });
    return pairs.length ? '?' + pairs.join('&') : '';
}

// The certificate of this connection, or nothing. A header that is there twice is partly the client's.
function shownCertificate(headers) {
    function told(name) {
        const header = headers[CERTIFICATE + name];
        return header && !header.multiValue ? header.value : '';
    }
    if (!BELIEVES_CERTIFICATES || told('present') !== '1' || !told('subject')) {
        return {};
    }
    return {
        'x-kerb-client-cert-subject': told('subject'),
        'x-kerb-client-cert-issuer': told('issuer'),
        'x-kerb-client-cert-serial': told('serial-number').replace(/:/g, '').toLowerCase().replace(/^0+(?=.)/, ''),
        'x-kerb-client-cert-sha256': told('sha256').toLowerCase()
    };
}
