import ApusAssembler
import Testing

@Suite struct FloatTests {
    @Test func control() throws {
        var listing = Listing()
        for place in NamedAddress.samples {
            listing.add("ldmxcsr dword ptr \(place.text)") { $0.loadFloatControl(place.address) }
            listing.add("stmxcsr dword ptr \(place.text)") { $0.storeFloatControl(place.address) }
        }
        try listing.check("float-control")
    }

    @Test func withAVX() throws {
        var listing = Listing()
        for width in FloatWidth.allCases {
            for a in XMM.samples {
                addMoves(&listing, width, a, prefix: "v")
                for b in XMM.samples {
                    addUnary(&listing, width, a, b, prefix: "v")
                    for c in XMM.samples {
                        let names = "\(a.name), \(b.name), \(c.name)"
                        listing.add("vsub\(width.suffix) \(names)") {
                            $0.float(.sub, width, a, b, c)
                        }
                    }
                    listing.add("vsqrt\(width.suffix) \(a.name), \(b.name), \(b.name)") {
                        $0.squareRoot(width, a, b)
                    }
                    listing.add("vround\(width.suffix) \(a.name), \(b.name), \(b.name), 10") {
                        $0.round(.ceiling, width, a, b)
                    }
                }
            }
            for op in FloatOp.allCases {
                listing.add("v\(op)\(width.suffix) xmm1, xmm2, xmm3") {
                    $0.float(op, width, .xmm1, .xmm2, .xmm3)
                }
                for place in NamedAddress.samples {
                    listing.add(
                        "v\(op)\(width.suffix) xmm9, xmm2, \(width.pointer)\(place.text)"
                    ) { $0.float(op, width, .xmm9, .xmm2, place.address) }
                }
            }
        }
        listing.add("vcvtsd2ss xmm1, xmm9, xmm9") { $0.convertFloat(to: .f32, .xmm1, .xmm9) }
        listing.add("vcvtss2sd xmm10, xmm2, xmm2") { $0.convertFloat(to: .f64, .xmm10, .xmm2) }
        addLogic(&listing, prefix: "v", first: "xmm1, ")
        addVectorMoves(&listing, prefix: "v")
        try listing.check("float-avx")
    }

    @Test func withoutAVX() throws {
        var listing = Listing(useAVX: false)
        for width in FloatWidth.allCases {
            for a in XMM.samples {
                addMoves(&listing, width, a, prefix: "")
                for b in XMM.samples {
                    addUnary(&listing, width, a, b, prefix: "")
                    let names = "\(a.name), \(b.name)"
                    listing.add("sub\(width.suffix) \(names)") { $0.float(.sub, width, a, a, b) }
                    listing.add("sqrt\(width.suffix) \(names)") { $0.squareRoot(width, a, b) }
                    listing.add("round\(width.suffix) \(names), 9") {
                        $0.round(.floor, width, a, b)
                    }
                }
            }
            for op in FloatOp.allCases {
                listing.add("\(op)\(width.suffix) xmm1, xmm3") {
                    $0.float(op, width, .xmm1, .xmm1, .xmm3)
                }
                for place in NamedAddress.samples {
                    listing.add("\(op)\(width.suffix) xmm9, \(width.pointer)\(place.text)") {
                        $0.float(op, width, .xmm9, .xmm9, place.address)
                    }
                }
            }
        }
        listing.add("cvtsd2ss xmm1, xmm9") { $0.convertFloat(to: .f32, .xmm1, .xmm9) }
        listing.add("cvtss2sd xmm10, xmm2") { $0.convertFloat(to: .f64, .xmm10, .xmm2) }
        addLogic(&listing, prefix: "", first: "")
        addVectorMoves(&listing, prefix: "")
        try listing.check("float-sse")
    }

    private func addMoves(
        _ listing: inout Listing, _ width: FloatWidth, _ a: XMM, prefix: String
    ) {
        for place in NamedAddress.samples {
            let text = width.pointer + place.text
            listing.add("\(prefix)mov\(width.suffix) \(a.name), \(text)") {
                $0.loadFloat(width, a, place.address)
            }
            listing.add("\(prefix)mov\(width.suffix) \(text), \(a.name)") {
                $0.storeFloat(width, place.address, a)
            }
            listing.add("\(prefix)ucomi\(width.suffix) \(a.name), \(text)") {
                $0.compareFloat(width, a, place.address)
            }
        }
        let mnemonic = width == .f32 ? "movd" : "movq"
        let integer: Width = width == .f32 ? .w32 : .w64
        for general in GPR.samples {
            listing.add("\(prefix)\(mnemonic) \(a.name), \(general.name(integer))") {
                $0.moveToFloat(integer, a, general)
            }
            listing.add("\(prefix)\(mnemonic) \(general.name(integer)), \(a.name)") {
                $0.moveFromFloat(integer, general, a)
            }
            for integer in Width.wide {
                listing.add("\(prefix)cvtt\(width.suffix)2si \(general.name(integer)), \(a.name)") {
                    $0.convertToInteger(integer, from: width, general, a)
                }
            }
        }
    }

    private func addUnary(
        _ listing: inout Listing, _ width: FloatWidth, _ a: XMM, _ b: XMM, prefix: String
    ) {
        listing.add("\(prefix)ucomi\(width.suffix) \(a.name), \(b.name)") {
            $0.compareFloat(width, a, b)
        }
        listing.add("\(prefix)movaps \(a.name), \(b.name)") { $0.move(a, b) }
    }

    private func addLogic(_ listing: inout Listing, prefix: String, first: String) {
        let place = NamedAddress(.r14, 32)
        let text = "xmmword ptr \(place.text)"
        listing.add("\(prefix)andps xmm1, \(first)xmm2") { $0.floatAnd(.xmm1, .xmm1, .xmm2) }
        listing.add("\(prefix)orps xmm1, \(first)xmm2") { $0.floatOr(.xmm1, .xmm1, .xmm2) }
        listing.add("\(prefix)xorps xmm1, \(first)xmm2") { $0.floatXor(.xmm1, .xmm1, .xmm2) }
        listing.add("\(prefix)andnps xmm1, \(first)xmm12") { $0.floatAndNot(.xmm1, .xmm1, .xmm12) }
        listing.add("\(prefix)andps xmm1, \(first)\(text)") {
            $0.floatAnd(.xmm1, .xmm1, place.address)
        }
        listing.add("\(prefix)orps xmm1, \(first)\(text)") {
            $0.floatOr(.xmm1, .xmm1, place.address)
        }
        listing.add("\(prefix)xorps xmm1, \(first)\(text)") {
            $0.floatXor(.xmm1, .xmm1, place.address)
        }
        listing.add("\(prefix)andnps xmm1, \(first)\(text)") {
            $0.floatAndNot(.xmm1, .xmm1, place.address)
        }
    }

    private func addVectorMoves(_ listing: inout Listing, prefix: String) {
        for aligned in [false, true] {
            let mnemonic = prefix + (aligned ? "movaps" : "movups")
            for place in NamedAddress.samples {
                let text = "xmmword ptr \(place.text)"
                listing.add("\(mnemonic) xmm9, \(text)") {
                    $0.loadVector(.xmm9, place.address, aligned: aligned)
                }
                listing.add("\(mnemonic) \(text), xmm2") {
                    $0.storeVector(place.address, .xmm2, aligned: aligned)
                }
            }
        }
    }

    @Test func commutedOperandsTakeShorterPrefixes() {
        var buffer = CodeBuffer()
        // vaddsd xmm1, xmm9, xmm2
        buffer.float(.add, .f64, .xmm1, .xmm2, .xmm9)
        #expect(buffer.hex == "c5b358ca")
        buffer.removeAll()
        // vsubsd xmm1, xmm2, xmm9
        buffer.float(.sub, .f64, .xmm1, .xmm2, .xmm9)
        #expect(buffer.hex == "c4c16b5cc9")
        buffer.removeAll()
        // vxorps xmm1, xmm12, xmm1
        buffer.floatXor(.xmm1, .xmm1, .xmm12)
        #expect(buffer.hex == "c59857c9")
    }

    // MARK: Sequences

    @Test func conversionsBreakDependencies() {
        var buffer = CodeBuffer()
        buffer.convertToFloat(.f64, from: .w64, .xmm3, .rdx)
        // vxorps xmm3, xmm3, xmm3; vcvtsi2sd xmm3, xmm3, rdx
        #expect(buffer.hex == "c5e057db" + "c4e1e32ada")
        buffer.removeAll()
        buffer.useAVX = false
        buffer.convertToFloat(.f32, from: .w32, .xmm9, .r8)
        // xorps xmm9, xmm9; cvtsi2ss xmm9, r8d
        #expect(buffer.hex == "450f57c9" + "f3450f2ac8")
    }

    @Test func threeOperandsWithoutAVX() {
        var buffer = CodeBuffer()
        buffer.useAVX = false
        // addsd xmm1, xmm2: operands swapped
        buffer.float(.add, .f64, .xmm1, .xmm2, .xmm1)
        #expect(buffer.hex == "f20f58ca")
        buffer.removeAll()
        // movaps xmm1, xmm2; subsd xmm1, xmm3
        buffer.float(.sub, .f64, .xmm1, .xmm2, .xmm3)
        #expect(buffer.hex == "0f28ca" + "f20f5ccb")
        buffer.removeAll()
        // movaps xmm15, xmm2; subsd xmm15, xmm1; movaps xmm1, xmm15
        buffer.float(.sub, .f64, .xmm1, .xmm2, .xmm1)
        #expect(buffer.hex == "440f28fa" + "f2440f5cf9" + "410f28cf")
        buffer.removeAll()
        // movaps xmm1, xmm2; mulss xmm1, [rax]
        buffer.float(.mul, .f32, .xmm1, .xmm2, Address(.rax))
        #expect(buffer.hex == "0f28ca" + "f30f5908")
    }
}
