// A charger connects to /ocpp/{charger id}, and API Gateway's WebSocket has no path: here the id becomes a header.
// Only what is verified at this edge goes on under our names; whatever a client sends under them is left out.
// JavaScript of CloudFront Functions (cloudfront-js-2.0). infrastructure/edge.py fills in the two settings.
const BELIEVES_CERTIFICATES = false; // true where CloudFront verifies them: only then are its headers its own
const STAGE_PATH = '/api';

const CHARGER_PATH = /^\/ocpp\/([^/]+)$/;
// What a header can carry unchanged.
const PRINTABLE = /^[!-~]([ -~]*[!-~])?$/;
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
    const chargerId = chargerIdIn(request.uri);
    if (chargerId === '') {
        return {
            statusCode: 404,
            statusDescription: 'Not Found',
            headers: { 'content-type': { value: 'text/plain' } },
            body: 'Connect to /ocpp/{charger id}\n'
        };
    }
    request.headers['x-kerb-charger-id'] = { value: chargerId };
    Object.keys(certificate).forEach(function (name) {
        request.headers[name] = { value: certificate[name] };
    });
    request.uri = STAGE_PATH;
    return request;
}

function chargerIdIn(uri) {
    const match = CHARGER_PATH.exec(uri);
    let id = '';
    try {
        id = match ? decodeURIComponent(match[1]) : '';
    } catch (error) {
        return ''; // a percent sign that encodes nothing
    }
    return PRINTABLE.test(id) ? id : '';
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
