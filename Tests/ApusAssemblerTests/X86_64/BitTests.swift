import ApusAssembler
import Testing

@Suite struct BitTests {
    @Test func bits() throws {
        var listing = Listing()
        for width in Width.wide {
            for a in GPR.samples {
                let first = a.name(width)
                listing.add("bswap \(first)") { $0.bswap(width, a) }
                listing.add("bt \(first), 21") { $0.bt(width, a, immediate: 21) }
                for b in GPR.samples {
                    let names = "\(first), \(b.name(width))"
                    listing.add("popcnt \(names)") { $0.popcnt(width, a, b) }
                    listing.add("lzcnt \(names)") { $0.lzcnt(width, a, b) }
                    listing.add("tzcnt \(names)") { $0.tzcnt(width, a, b) }
                    listing.add("bsr \(names)") { $0.bsr(width, a, b) }
                    listing.add("bsf \(names)") { $0.bsf(width, a, b) }
                    listing.add("adcx \(names)") { $0.adcx(width, a, b) }
                    listing.add("adox \(names)") { $0.adox(width, a, b) }
                    listing.add("blsr \(names)") { $0.blsr(width, a, b) }
                    listing.add("blsi \(names)") { $0.blsi(width, a, b) }
                    for c in [GPR.rbx, .r14] {
                        let names = "\(names), \(c.name(width))"
                        listing.add("andn \(names)") { $0.andn(width, a, b, c) }
                        listing.add("bzhi \(names)") { $0.bzhi(width, a, b, c) }
                        listing.add("pext \(names)") { $0.pext(width, a, b, c) }
                        listing.add("pdep \(names)") { $0.pdep(width, a, b, c) }
                        listing.add("mulx \(names)") { $0.mulx(width, high: a, low: b, c) }
                    }
                }
            }
        }
        try listing.check("bits")
    }

    @Test func atomics() throws {
        var listing = Listing()
        for width in Width.allCases {
            for register in [GPR.rax, .rdi, .r8] {
                for place in NamedAddress.samples {
                    let operands = "\(width.pointer)\(place.text), \(register.name(width))"
                    listing.add("xchg \(operands)") {
                        $0.exchange(width, place.address, register)
                    }
                    listing.add("lock xadd \(operands)") {
                        $0.lockedExchangeAdd(width, place.address, register)
                    }
                    listing.add("lock cmpxchg \(operands)") {
                        $0.lockedCompareExchange(width, place.address, register)
                    }
                    listing.add("lock or \(operands)") {
                        $0.lockedAlu(.or, width, place.address, register)
                    }
                }
            }
        }
        listing.add("mfence") { $0.mfence() }
        try listing.check("atomics")
    }
}
