import ApusAssembler
import Testing

@Suite struct VectorTests {
    private static let triples: [(XMM, XMM, XMM)] = [
        (.xmm1, .xmm2, .xmm3), (.xmm9, .xmm2, .xmm3), (.xmm1, .xmm10, .xmm3),
        (.xmm1, .xmm2, .xmm11), (.xmm15, .xmm14, .xmm13),
    ]

    private static let places = [NamedAddress(.rsp, 16), NamedAddress(.r9, index: .r10, scale: 2)]

    /// Those that exist only for registers or only for memory.
    private static let registersOnly: Set<VectorOp> = [.movss, .movsd, .movhlps, .movlhps]
    private static let memoryOnly: Set<VectorOp> = [.movlpd, .movhpd]

    private func needsAVX(_ needed: VectorExtension) -> Bool {
        needed.rawValue >= VectorExtension.avx.rawValue
    }

    /// The mnemonic with AVX's v.
    private func mnemonic(_ op: some Any) -> String {
        let name = "\(op)"
        return name.hasPrefix("v") ? name : "v" + name
    }

    @Test func binaryWithAVX() throws {
        var listing = Listing()
        for op in VectorOp.allCases {
            let name = mnemonic(op)
            if !Self.memoryOnly.contains(op) {
                for (a, b, c) in Self.triples {
                    listing.add("\(name) \(a.name), \(b.name), \(c.name)") {
                        $0.vector(op, a, b, c)
                    }
                }
            }
            if !Self.registersOnly.contains(op) {
                for place in Self.places {
                    listing.add("\(name) xmm4, xmm12, \(place.text)") {
                        $0.vector(op, .xmm4, .xmm12, place.address)
                    }
                }
            }
        }
        try listing.check("vector-binary-avx")
    }

    @Test func binaryWithoutAVX() throws {
        var listing = Listing(useAVX: false)
        for op in VectorOp.allCases where !needsAVX(op.needs) {
            if !Self.memoryOnly.contains(op) {
                for (a, _, c) in Self.triples {
                    listing.add("\(op) \(a.name), \(c.name)") { $0.vector(op, a, a, c) }
                }
            }
            if !Self.registersOnly.contains(op) {
                for place in Self.places {
                    listing.add("\(op) xmm12, \(place.text)") {
                        $0.vector(op, .xmm12, .xmm12, place.address)
                    }
                }
            }
        }
        try listing.check("vector-binary-sse")
    }

    @Test func unary() throws {
        var avx = Listing()
        var sse = Listing(useAVX: false)
        for op in VectorUnaryOp.allCases {
            for (a, b, _) in Self.triples {
                avx.add("\(mnemonic(op)) \(a.name), \(b.name)") { $0.vector(op, a, b) }
                if needsAVX(op.needs) { continue }
                sse.add("\(op) \(a.name), \(b.name)") { $0.vector(op, a, b) }
            }
            for place in Self.places {
                // The size tells the two forms of these conversions apart.
                let isNarrowing = [.cvtpd2dq, .cvttpd2dq, .cvtpd2ps].contains(op)
                let text = (isNarrowing ? "xmmword ptr " : "") + place.text
                avx.add("\(mnemonic(op)) xmm9, \(text)") {
                    $0.vector(op, .xmm9, place.address)
                }
                if needsAVX(op.needs) { continue }
                sse.add("\(op) xmm9, \(text)") { $0.vector(op, .xmm9, place.address) }
            }
        }
        try avx.check("vector-unary-avx")
        try sse.check("vector-unary-sse")
    }

    @Test func immediatesWithAVX() throws {
        var listing = Listing()
        for op in VectorImmediateOp.allCases {
            for (a, b, c) in Self.triples {
                listing.add("\(mnemonic(op)) \(a.name), \(b.name), \(c.name), 5") {
                    $0.vector(op, a, b, c, immediate: 5)
                }
            }
            for place in Self.places {
                listing.add("\(mnemonic(op)) xmm9, xmm2, \(place.text), 5") {
                    $0.vector(op, .xmm9, .xmm2, place.address, immediate: 5)
                }
            }
        }
        for op in VectorUnaryImmediateOp.allCases {
            for (a, b, _) in Self.triples {
                listing.add("\(mnemonic(op)) \(a.name), \(b.name), 27") {
                    $0.vector(op, a, b, immediate: 27)
                }
            }
            for place in Self.places {
                listing.add("\(mnemonic(op)) xmm9, \(place.text), 27") {
                    $0.vector(op, .xmm9, place.address, immediate: 27)
                }
            }
        }
        for op in VectorShiftOp.allCases {
            for (a, b, _) in Self.triples {
                listing.add("\(mnemonic(op)) \(a.name), \(b.name), 3") {
                    $0.vector(op, a, b, immediate: 3)
                }
            }
        }
        for op in VectorBlendOp.allCases {
            for (a, b, c) in Self.triples {
                listing.add("\(mnemonic(op)) \(a.name), \(b.name), \(c.name), xmm12") {
                    $0.vector(op, a, b, c, mask: .xmm12)
                }
            }
        }
        try listing.check("vector-immediate-avx")
    }

    @Test func immediatesWithoutAVX() throws {
        var listing = Listing(useAVX: false)
        for op in VectorImmediateOp.allCases where !needsAVX(op.needs) {
            for (a, _, c) in Self.triples {
                listing.add("\(op) \(a.name), \(c.name), 5") {
                    $0.vector(op, a, a, c, immediate: 5)
                }
            }
            for place in Self.places {
                listing.add("\(op) xmm9, \(place.text), 5") {
                    $0.vector(op, .xmm9, .xmm9, place.address, immediate: 5)
                }
            }
        }
        for op in VectorUnaryImmediateOp.allCases where !needsAVX(op.needs) {
            for (a, b, _) in Self.triples {
                listing.add("\(op) \(a.name), \(b.name), 27") {
                    $0.vector(op, a, b, immediate: 27)
                }
            }
        }
        for op in VectorShiftOp.allCases {
            for (a, _, _) in Self.triples {
                listing.add("\(op) \(a.name), 3") { $0.vector(op, a, a, immediate: 3) }
            }
        }
        for op in VectorBlendOp.allCases {
            for (a, _, c) in Self.triples {
                listing.add("\(op) \(a.name), \(c.name), xmm0") {
                    $0.vector(op, a, a, c, mask: .xmm0)
                }
            }
        }
        try listing.check("vector-immediate-sse")
    }

    @Test func onlyInAVX512() throws {
        var listing = Listing(useAVX512: true)
        for (a, b, c) in Self.triples {
            for op: EvexOp in [.vpabsq, .vpopcntb, .vcvtudq2ps] {
                listing.add("\(op) \(a.name), \(b.name)") { $0.vector(op, a, b) }
            }
            listing.add("vpsraq \(a.name), \(b.name), \(c.name)") { $0.vector(.vpsraq, a, b, c) }
            listing.add("vpsraq \(a.name), \(b.name), 27") {
                $0.vector(.vpsraqImmediate, a, b, immediate: 27)
            }
        }
        try listing.check("vector-avx512")
    }

    @Test(arguments: [true, false]) func lanes(useAVX: Bool) throws {
        var listing = Listing(useAVX: useAVX)
        let prefix = useAVX ? "v" : ""
        for op in VectorMaskOp.allCases {
            for (general, vector) in [(GPR.rax, XMM.xmm9), (.r9, .xmm1), (.r14, .xmm14)] {
                listing.add("\(prefix)\(op) \(general.name(.w32)), \(vector.name)") {
                    $0.vector(op, general, vector)
                }
            }
        }
        let suffixes: [Width: String] = [.w8: "b", .w16: "w", .w32: "d", .w64: "q"]
        for width in Width.allCases {
            let suffix = suffixes[width] ?? ""
            let named = width == .w64 ? Width.w64 : .w32
            for (general, vector) in [(GPR.rax, XMM.xmm9), (.rdi, .xmm1), (.r14, .xmm14)] {
                let first = useAVX ? "\(vector.name), " : ""
                listing.add(
                    "\(prefix)pinsr\(suffix) \(vector.name), \(first)\(general.name(named)), 1"
                ) { $0.insertLane(width, vector, vector, general, lane: 1) }
                listing.add(
                    "\(prefix)pextr\(suffix) \(general.name(named)), \(vector.name), 1"
                ) { $0.extractLane(width, general, vector, lane: 1) }
            }
            for place in Self.places {
                let first = useAVX ? "xmm11, " : ""
                let text = width.pointer + place.text
                listing.add("\(prefix)pinsr\(suffix) xmm11, \(first)\(text), 1") {
                    $0.insertLane(width, .xmm11, .xmm11, place.address, lane: 1)
                }
                listing.add("\(prefix)pextr\(suffix) \(text), xmm11, 1") {
                    $0.extractLane(width, place.address, .xmm11, lane: 1)
                }
            }
        }
        try listing.check(useAVX ? "vector-lanes-avx" : "vector-lanes-sse")
    }

    @Test func missingExtensionsFail() {
        var buffer = CodeBuffer()
        buffer.useAVX = false
        buffer.vector(.paddb, .xmm1, .xmm2, .xmm3)
        var failed = buffer.hasFailed
        #expect(!failed)
        // movdqa would do as well as movaps, which is shorter: movaps xmm1, xmm2; paddb.
        #expect(buffer.hex == "0f28ca" + "660ffccb")
        buffer.vector(.vpbroadcastb, .xmm1, .xmm2)
        failed = buffer.hasFailed
        #expect(failed)
        buffer.removeAll()
        buffer.useAVX = true
        buffer.vector(.vpabsq, .xmm1, .xmm2)
        failed = buffer.hasFailed
        #expect(failed)
        buffer.useAVX = false
        buffer.removeAll()
        buffer.vector(.pblendvb, .xmm1, .xmm2, .xmm3, mask: .xmm4)
        failed = buffer.hasFailed
        #expect(failed)
    }
}
