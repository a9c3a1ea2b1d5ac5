/* Names of information elements, and the elements that a wire template lists, for `flowlore status`. */
#include "mining/elements.h"

#include <stdio.h>
#include <stdlib.h>

enum { REVERSE_PEN = 29305, VARIABLE = 65535 };

/* IANA's IPFIX registry: what flowlore reads, and what exporters send most often besides. */
static const struct element {
    uint16_t id;
    const char *name;
} elements[] = {
    {1, "octetDeltaCount"},
    {2, "packetDeltaCount"},
    {3, "deltaFlowCount"},
    {4, "protocolIdentifier"},
    {5, "ipClassOfService"},
    {6, "tcpControlBits"},
    {7, "sourceTransportPort"},
    {8, "sourceIPv4Address"},
    {9, "sourceIPv4PrefixLength"},
    {10, "ingressInterface"},
    {11, "destinationTransportPort"},
    {12, "destinationIPv4Address"},
    {13, "destinationIPv4PrefixLength"},
    {14, "egressInterface"},
    {15, "ipNextHopIPv4Address"},
    {16, "bgpSourceAsNumber"},
    {17, "bgpDestinationAsNumber"},
    {18, "bgpNextHopIPv4Address"},
    {19, "postMCastPacketDeltaCount"},
    {20, "postMCastOctetDeltaCount"},
    {21, "flowEndSysUpTime"},
    {22, "flowStartSysUpTime"},
    {23, "postOctetDeltaCount"},
    {24, "postPacketDeltaCount"},
    {25, "minimumIpTotalLength"},
    {26, "maximumIpTotalLength"},
    {27, "sourceIPv6Address"},
    {28, "destinationIPv6Address"},
    {29, "sourceIPv6PrefixLength"},
    {30, "destinationIPv6PrefixLength"},
    {31, "flowLabelIPv6"},
    {32, "icmpTypeCodeIPv4"},
    {33, "igmpType"},
    {34, "samplingInterval"},
    {35, "samplingAlgorithm"},
    {36, "flowActiveTimeout"},
    {37, "flowIdleTimeout"},
    {38, "engineType"},
    {39, "engineId"},
    {40, "exportedOctetTotalCount"},
    {41, "exportedMessageTotalCount"},
    {42, "exportedFlowRecordTotalCount"},
    {43, "ipv4RouterSc"},
    {44, "sourceIPv4Prefix"},
    {45, "destinationIPv4Prefix"},
    {46, "mplsTopLabelType"},
    {47, "mplsTopLabelIPv4Address"},
    {48, "samplerId"},
    {49, "samplerMode"},
    {50, "samplerRandomInterval"},
    {51, "classId"},
    {52, "minimumTTL"},
    {53, "maximumTTL"},
    {54, "fragmentIdentification"},
    {55, "postIpClassOfService"},
    {56, "sourceMacAddress"},
    {57, "postDestinationMacAddress"},
    {58, "vlanId"},
    {59, "postVlanId"},
    {60, "ipVersion"},
    {61, "flowDirection"},
    {62, "ipNextHopIPv6Address"},
    {63, "bgpNextHopIPv6Address"},
    {64, "ipv6ExtensionHeaders"},
    {70, "mplsTopLabelStackSection"},
    {71, "mplsLabelStackSection2"},
    {72, "mplsLabelStackSection3"},
    {80, "destinationMacAddress"},
    {81, "postSourceMacAddress"},
    {82, "interfaceName"},
    {83, "interfaceDescription"},
    {84, "samplerName"},
    {85, "octetTotalCount"},
    {86, "packetTotalCount"},
    {87, "flagsAndSamplerId"},
    {88, "fragmentOffset"},
    {89, "forwardingStatus"},
    {90, "mplsVpnRouteDistinguisher"},
    {94, "applicationDescription"},
    {95, "applicationId"},
    {96, "applicationName"},
    {98, "postIpDiffServCodePoint"},
    {128, "bgpNextAdjacentAsNumber"},
    {129, "bgpPrevAdjacentAsNumber"},
    {130, "exporterIPv4Address"},
    {131, "exporterIPv6Address"},
    {132, "droppedOctetDeltaCount"},
    {133, "droppedPacketDeltaCount"},
    {136, "flowEndReason"},
    {138, "observationPointId"},
    {139, "icmpTypeCodeIPv6"},
    {141, "lineCardId"},
    {142, "portId"},
    {144, "exportingProcessId"},
    {145, "templateId"},
    {147, "wlanSSID"},
    {148, "flowId"},
    {149, "observationDomainId"},
    {150, "flowStartSeconds"},
    {151, "flowEndSeconds"},
    {152, "flowStartMilliseconds"},
    {153, "flowEndMilliseconds"},
    {154, "flowStartMicroseconds"},
    {155, "flowEndMicroseconds"},
    {156, "flowStartNanoseconds"},
    {157, "flowEndNanoseconds"},
    {158, "flowStartDeltaMicroseconds"},
    {159, "flowEndDeltaMicroseconds"},
    {160, "systemInitTimeMilliseconds"},
    {161, "flowDurationMilliseconds"},
    {162, "flowDurationMicroseconds"},
    {163, "observedFlowTotalCount"},
    {166, "notSentFlowTotalCount"},
    {167, "notSentPacketTotalCount"},
    {168, "notSentOctetTotalCount"},
    {169, "destinationIPv6Prefix"},
    {170, "sourceIPv6Prefix"},
    {171, "postOctetTotalCount"},
    {172, "postPacketTotalCount"},
    {176, "icmpTypeIPv4"},
    {177, "icmpCodeIPv4"},
    {178, "icmpTypeIPv6"},
    {179, "icmpCodeIPv6"},
    {180, "udpSourcePort"},
    {181, "udpDestinationPort"},
    {182, "tcpSourcePort"},
    {183, "tcpDestinationPort"},
    {184, "tcpSequenceNumber"},
    {185, "tcpAcknowledgementNumber"},
    {186, "tcpWindowSize"},
    {187, "tcpUrgentPointer"},
    {188, "tcpHeaderLength"},
    {189, "ipHeaderLength"},
    {190, "totalLengthIPv4"},
    {191, "payloadLengthIPv6"},
    {192, "ipTTL"},
    {193, "nextHeaderIPv6"},
    {194, "mplsPayloadLength"},
    {195, "ipDiffServCodePoint"},
    {196, "ipPrecedence"},
    {197, "fragmentFlags"},
    {201, "mplsLabelStackLength"},
    {204, "ipPayloadLength"},
    {205, "udpMessageLength"},
    {206, "isMulticast"},
    {210, "paddingOctets"},
    {211, "collectorIPv4Address"},
    {212, "collectorIPv6Address"},
    {213, "exportInterface"},
    {214, "exportProtocolVersion"},
    {215, "exportTransportProtocol"},
    {216, "collectorTransportPort"},
    {217, "exporterTransportPort"},
    {218, "tcpSynTotalCount"},
    {219, "tcpFinTotalCount"},
    {220, "tcpRstTotalCount"},
    {221, "tcpPshTotalCount"},
    {222, "tcpAckTotalCount"},
    {223, "tcpUrgTotalCount"},
    {224, "ipTotalLength"},
    {225, "postNATSourceIPv4Address"},
    {226, "postNATDestinationIPv4Address"},
    {227, "postNAPTSourceTransportPort"},
    {228, "postNAPTDestinationTransportPort"},
    {229, "natOriginatingAddressRealm"},
    {230, "natEvent"},
    {231, "initiatorOctets"},
    {232, "responderOctets"},
    {233, "firewallEvent"},
    {234, "ingressVRFID"},
    {235, "egressVRFID"},
    {236, "VRFname"},
    {237, "postMplsTopLabelExp"},
    {238, "tcpWindowScale"},
    {239, "biflowDirection"},
    {243, "dot1qVlanId"},
    {244, "dot1qPriority"},
    {245, "dot1qCustomerVlanId"},
    {252, "ingressPhysicalInterface"},
    {253, "egressPhysicalInterface"},
    {254, "postDot1qVlanId"},
    {256, "ethernetType"},
    {258, "collectionTimeMilliseconds"},
    {277, "observationPointType"},
    {278, "newConnectionDeltaCount"},
    {279, "connectionSumDurationSeconds"},
    {280, "connectionTransactionId"},
    {281, "postNATSourceIPv6Address"},
    {282, "postNATDestinationIPv6Address"},
    {283, "natPoolId"},
    {284, "natPoolName"},
    {291, "basicList"},
    {292, "subTemplateList"},
    {293, "subTemplateMultiList"},
    {295, "IPSecSPI"},
    {296, "greKey"},
    {297, "natType"},
    {298, "initiatorPackets"},
    {299, "responderPackets"},
    {300, "observationDomainName"},
    {301, "selectionSequenceId"},
    {302, "selectorId"},
    {303, "informationElementId"},
    {304, "selectorAlgorithm"},
    {305, "samplingPacketInterval"},
    {306, "samplingPacketSpace"},
    {309, "samplingSize"},
    {310, "samplingPopulation"},
    {311, "samplingProbability"},
    {312, "dataLinkFrameSize"},
    {313, "ipHeaderPacketSection"},
    {315, "dataLinkFrameSection"},
    {318, "selectorIdTotalPktsObserved"},
    {319, "selectorIdTotalPktsSelected"},
    {322, "observationTimeSeconds"},
    {323, "observationTimeMilliseconds"},
    {324, "observationTimeMicroseconds"},
    {325, "observationTimeNanoseconds"},
    {335, "selectorName"},
    {346, "privateEnterpriseNumber"},
    {347, "virtualStationInterfaceId"},
    {351, "layer2SegmentId"},
    {352, "layer2OctetDeltaCount"},
    {361, "portRangeStart"},
    {362, "portRangeEnd"},
    {363, "portRangeStepSize"},
    {364, "portRangeNumPorts"},
    {365, "staMacAddress"},
    {366, "staIPv4Address"},
    {367, "wtpMacAddress"},
    {371, "userName"},
    {372, "applicationCategoryName"},
    {373, "applicationSubCategoryName"},
    {374, "applicationGroupName"},
    {403, "originalExporterIPv4Address"},
    {404, "originalExporterIPv6Address"},
    {405, "originalObservationDomainId"},
    {408, "dataLinkFrameType"},
    {410, "sectionExportedOctets"},
    {455, "mobileIMSI"},
    {456, "mobileMSISDN"},
    {457, "httpStatusCode"},
    {459, "httpRequestMethod"},
    {460, "httpRequestHost"},
    {461, "httpRequestTarget"},
    {463, "natInstanceID"},
    {464, "internalAddressRealm"},
    {465, "externalAddressRealm"},
    {466, "natQuotaExceededEvent"},
    {482, "vpnIdentifier"},
};

static int compare(const void *key, const void *element)
{
    return (int)*(const uint16_t *)key - ((const struct element *)element)->id;
}

static const char *find(uint16_t id)
{
    const struct element *e =
        bsearch(&id, elements, sizeof elements / sizeof elements[0], sizeof elements[0], compare);
    return e ? e->name : NULL;
}

static const char *scope_name(const struct fl_template_field *f)
{
    static const char *const names[] = {"", "system", "interface", "line card", "cache", "template"};
    return f->old_scope && f->id >= 1 && f->id <= 5 ? names[f->id] : NULL;
}

const char *fl_element_name(const struct fl_template_field *f, char out[FL_ELEMENT_TEXT])
{
    const char *scope = scope_name(f);
    const char *name = f->enterprise == 0 || f->enterprise == REVERSE_PEN ? find(f->id) : NULL;
    if (scope)
        snprintf(out, FL_ELEMENT_TEXT, "%s", scope);
    else if (f->old_scope)
        snprintf(out, FL_ELEMENT_TEXT, "scope %u", f->id);
    else if (name)
        snprintf(out, FL_ELEMENT_TEXT, "%s%s", f->enterprise ? "reverse " : "", name);
    else if (f->enterprise)
        snprintf(out, FL_ELEMENT_TEXT, "%u/%u", f->enterprise, f->id);
    else
        snprintf(out, FL_ELEMENT_TEXT, "%u", f->id);
    return out;
}

/* ---- template records ---- */

struct reader {
    const uint8_t *at;
    size_t left;
    bool bad; /* sticky: a read beyond the end gives 0 from then on */
};

static uint32_t take(struct reader *r, size_t length)
{
    uint32_t value = 0;
    if (r->bad || r->left < length) {
        r->bad = true;
        return 0;
    }
    for (size_t i = 0; i < length; i++)
        value = value << 8 | r->at[i];
    r->at += length;
    r->left -= length;
    return value;
}

/* The record's head: how many fields follow, and how many of them are scopes. */
static void take_head(struct reader *r, const struct fl_wire_template *t, uint32_t *fields, uint32_t *scopes)
{
    take(r, 2); /* its id */
    *fields = take(r, 2);
    *scopes = 0;
    if (!t->options)
        return;
    *scopes = take(r, 2);
    if (t->version == 9) { /* both are lengths in bytes: scopes first, then options */
        uint32_t scope_bytes = *fields;
        *fields = (scope_bytes + *scopes) / 4;
        *scopes = scope_bytes / 4;
    }
}

static struct fl_template_field take_field(struct reader *r, const struct fl_wire_template *t, bool scope)
{
    struct fl_template_field f = {.id = (uint16_t)take(r, 2)};
    f.length = (uint16_t)take(r, 2);
    f.scope = scope;
    f.old_scope = scope && t->version == 9;
    if (t->version == 10 && (f.id & 0x8000)) {
        f.id &= 0x7fff;
        f.enterprise = take(r, 4);
    }
    return f;
}

int fl_template_fields(const struct fl_wire_template *t, fl_template_field_fn *fn, void *ctx)
{
    struct reader r = {t->bytes, t->length, false};
    uint32_t fields = 0, scopes = 0;
    take_head(&r, t, &fields, &scopes);
    for (uint32_t i = 0; i < fields; i++) {
        struct fl_template_field f = take_field(&r, t, i < scopes);
        if (r.bad)
            break;
        int rc = fn(ctx, &f);
        if (rc)
            return rc;
    }
    return r.bad || scopes > fields ? FL_EMALF : 0;
}
