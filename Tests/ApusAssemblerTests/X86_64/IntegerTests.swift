import ApusAssembler
import Testing

@Suite struct IntegerTests {
    private static let immediates: [Int32] = [0, 1, 127, -128, 128, -129, 0x1234, .max, .min]

    /// Those that the width can express.
    private static func immediates(_ width: Width) -> [Int32] {
        switch width {
        case .w8: immediates.filter { Int8(exactly: $0) != nil }
        case .w16: immediates.filter { Int16(exactly: $0) != nil }
        case .w32, .w64: immediates
        }
    }

    @Test func registerArithmetic() throws {
        var listing = Listing()
        for width in Width.allCases {
            for a in GPR.allCases {
                for b in GPR.allCases where width == .w32 || GPR.samples.contains(b) {
                    listing.add("xor \(a.name(width)), \(b.name(width))") {
                        $0.alu(.xor, width, a, b)
                    }
                }
            }
            for op in AluOp.allCases {
                listing.add("\(op) \(GPR.rcx.name(width)), \(GPR.r14.name(width))") {
                    $0.alu(op, width, .rcx, .r14)
                }
            }
            for a in GPR.samples {
                for b in GPR.samples {
                    listing.add("test \(a.name(width)), \(b.name(width))") { $0.test(width, a, b) }
                }
            }
        }
        try listing.check("integer-registers")
    }

    @Test func memoryArithmetic() throws {
        var listing = Listing()
        for width in Width.allCases {
            for op in AluOp.allCases {
                for register in [GPR.rax, .rsi, .r10] {
                    for place in NamedAddress.samples {
                        let name = register.name(width)
                        listing.add("\(op) \(name), \(width.pointer)\(place.text)") {
                            $0.alu(op, width, register, place.address)
                        }
                        listing.add("\(op) \(width.pointer)\(place.text), \(name)") {
                            $0.alu(op, width, place.address, register)
                        }
                    }
                }
            }
        }
        try listing.check("integer-memory")
    }

    @Test func immediates() throws {
        var listing = Listing()
        for width in Width.allCases {
            for immediate in Self.immediates(width) {
                for op in AluOp.allCases {
                    for register in [GPR.rax, .rbx, .rsp, .rdi, .r8, .r13] {
                        listing.add("\(op) \(register.name(width)), \(immediate)") {
                            $0.alu(op, width, register, immediate: immediate)
                        }
                    }
                    for place in NamedAddress.samples {
                        listing.add("\(op) \(width.pointer)\(place.text), \(immediate)") {
                            $0.alu(op, width, place.address, immediate: immediate)
                        }
                    }
                }
                for register in [GPR.rax, .rbx, .rdi, .r8] {
                    listing.add("test \(register.name(width)), \(immediate)") {
                        $0.test(width, register, immediate: immediate)
                    }
                }
                for place in NamedAddress.samples {
                    listing.add("test \(width.pointer)\(place.text), \(immediate)") {
                        $0.test(width, place.address, immediate: immediate)
                    }
                }
            }
        }
        try listing.check("integer-immediates")
    }

    @Test func oneOperand() throws {
        var listing = Listing()
        for width in Width.allCases {
            for register in GPR.allCases {
                let name = register.name(width)
                listing.add("neg \(name)") { $0.negate(width, register) }
                listing.add("not \(name)") { $0.not(width, register) }
                listing.add("mul \(name)") { $0.multiply(width, register) }
                listing.add("imul \(name)") { $0.multiplySigned(width, register) }
                listing.add("div \(name)") { $0.divide(width, register) }
                listing.add("idiv \(name)") { $0.divideSigned(width, register) }
            }
        }
        listing.add("cwd") { $0.signExtendAccumulator(.w16) }
        listing.add("cdq") { $0.signExtendAccumulator(.w32) }
        listing.add("cqo") { $0.signExtendAccumulator(.w64) }
        try listing.check("integer-unary")
    }

    @Test func multiplication() throws {
        var listing = Listing()
        for width in [Width.w16, .w32, .w64] {
            for a in GPR.samples {
                for b in GPR.samples {
                    listing.add("imul \(a.name(width)), \(b.name(width))") { $0.imul(width, a, b) }
                    for immediate in [7, -129] as [Int32] {
                        listing.add("imul \(a.name(width)), \(b.name(width)), \(immediate)") {
                            $0.imul(width, a, b, immediate: immediate)
                        }
                    }
                }
                for place in NamedAddress.samples {
                    listing.add("imul \(a.name(width)), \(width.pointer)\(place.text)") {
                        $0.imul(width, a, place.address)
                    }
                }
            }
        }
        try listing.check("integer-multiplication")
    }

    @Test func shifts() throws {
        var listing = Listing()
        for op in ShiftOp.allCases {
            for width in Width.allCases {
                for register in GPR.samples {
                    let name = register.name(width)
                    for count in [1, 2, 7] as [UInt8] {
                        listing.add("\(op) \(name), \(count)") {
                            $0.shift(op, width, register, immediate: count)
                        }
                    }
                    listing.add("\(op) \(name), cl") { $0.shiftByCL(op, width, register) }
                }
            }
        }
        for width in Width.wide {
            for a in GPR.samples {
                for b in GPR.samples {
                    for op in [ShiftOp.shl, .shr, .sar] {
                        let names = [a, b, GPR.r9].map { $0.name(width) }.joined(separator: ", ")
                        listing.add("\(op)x \(names)") { $0.shiftX(op, width, a, b, .r9) }
                        let other = [a, GPR.r9, b].map { $0.name(width) }.joined(separator: ", ")
                        listing.add("\(op)x \(other)") { $0.shiftX(op, width, a, .r9, b) }
                    }
                    listing.add("rorx \(a.name(width)), \(b.name(width)), 13") {
                        $0.rorx(width, a, b, 13)
                    }
                }
            }
        }
        try listing.check("shifts")
    }
}
