import ApusAssembler
import Testing

@Suite struct MoveTests {
    @Test func addresses() throws {
        var listing = Listing()
        let displacements: [Int32] = [0, 1, 127, -128, 128, -129, .max, .min]
        for base in GPR.allCases {
            for displacement in displacements {
                let place = NamedAddress(base, displacement)
                for register in [GPR.rbx, .r11] {
                    listing.add("mov \(register.name(.w64)), qword ptr \(place.text)") {
                        $0.load(.w64, register, place.address)
                    }
                }
            }
            for index in GPR.allCases where index != .rsp {
                let scale = 1 << ((Int(base.rawValue) + Int(index.rawValue)) & 3)
                let place = NamedAddress(base, index: index, scale: scale)
                listing.add("lea rcx, \(place.text)") { $0.lea(.w64, .rcx, place.address) }
            }
            for displacement in displacements {
                let place = NamedAddress(base, index: .r10, scale: 4, displacement)
                listing.add("lea r9d, \(place.text)") { $0.lea(.w32, .r9, place.address) }
            }
        }
        try listing.check("addresses")
    }

    @Test func loadsAndStores() throws {
        var listing = Listing()
        for register in GPR.samples {
            for place in NamedAddress.samples {
                for width in Width.allCases {
                    let name = register.name(width)
                    listing.add("mov \(width.pointer)\(place.text), \(name)") {
                        $0.store(width, place.address, register)
                    }
                }
                for width in Width.wide {
                    listing.add("mov \(register.name(width)), \(width.pointer)\(place.text)") {
                        $0.load(width, register, place.address)
                    }
                }
            }
        }
        for place in NamedAddress.samples {
            for width in Width.allCases {
                for value in [0, 1, -1, 100] as [Int32] {
                    listing.add("mov \(width.pointer)\(place.text), \(value)") {
                        $0.store(width, place.address, immediate: value)
                    }
                }
            }
            listing.add("mov dword ptr \(place.text), -2147483648") {
                $0.store(.w32, place.address, immediate: .min)
            }
        }
        try listing.check("loads-and-stores")
    }

    @Test func extensions() throws {
        var listing = Listing()
        for a in GPR.samples {
            for place in NamedAddress.samples {
                addExtensions(&listing, a, from: place)
            }
            for b in GPR.samples {
                addExtensions(&listing, a, from: b)
            }
        }
        try listing.check("extensions")
    }

    private func addExtensions(_ listing: inout Listing, _ a: GPR, from place: NamedAddress) {
        let narrow = a.name(.w32)
        let wide = a.name(.w64)
        let address = place.address
        for width in [Width.w8, .w16] {
            let source = width.pointer + place.text
            listing.add("movzx \(narrow), \(source)") {
                $0.loadZeroExtended(from: width, a, address)
            }
            listing.add("movsx \(narrow), \(source)") {
                $0.loadSignExtended(from: width, to: .w32, a, address)
            }
            listing.add("movsx \(wide), \(source)") {
                $0.loadSignExtended(from: width, to: .w64, a, address)
            }
        }
        listing.add("mov \(narrow), dword ptr \(place.text)") {
            $0.loadZeroExtended(from: .w32, a, address)
        }
        listing.add("movsxd \(wide), dword ptr \(place.text)") {
            $0.loadSignExtended(from: .w32, to: .w64, a, address)
        }
        listing.add("mov \(wide), qword ptr \(place.text)") {
            $0.loadSignExtended(from: .w64, to: .w64, a, address)
        }
    }

    private func addExtensions(_ listing: inout Listing, _ a: GPR, from b: GPR) {
        let narrow = a.name(.w32)
        let wide = a.name(.w64)
        for width in [Width.w8, .w16] {
            let source = b.name(width)
            listing.add("movzx \(narrow), \(source)") { $0.moveZeroExtended(from: width, a, b) }
            listing.add("movsx \(narrow), \(source)") {
                $0.moveSignExtended(from: width, to: .w32, a, b)
            }
            listing.add("movsx \(wide), \(source)") {
                $0.moveSignExtended(from: width, to: .w64, a, b)
            }
        }
        listing.add("mov \(narrow), \(b.name(.w32))") { $0.moveZeroExtended(from: .w32, a, b) }
        listing.add("movsxd \(wide), \(b.name(.w32))") {
            $0.moveSignExtended(from: .w32, to: .w64, a, b)
        }
        for width in Width.allCases {
            listing.add("mov \(a.name(width)), \(b.name(width))") { $0.move(width, a, b) }
        }
    }

    @Test func constants() throws {
        var listing = Listing()
        for register in GPR.allCases {
            for value in [0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] as [UInt64] {
                listing.add("mov \(register.name(.w32)), \(value)") {
                    $0.moveImmediate(register, value)
                }
            }
            for value in [-1, -0x8000_0000] as [Int64] {
                listing.add("mov \(register.name(.w64)), \(value)") {
                    $0.moveImmediate(register, UInt64(bitPattern: value))
                }
            }
            for value in [0x1_0000_0000, -0x8000_0001, .min, .max] as [Int64] {
                listing.add("movabs \(register.name(.w64)), \(value)") {
                    $0.moveImmediate(register, UInt64(bitPattern: value))
                }
            }
            listing.add("xor \(register.name(.w32)), \(register.name(.w32))") { $0.zero(register) }
        }
        try listing.check("constants")
    }

    @Test func conditions() throws {
        var listing = Listing()
        for condition in Condition.allCases {
            for register in GPR.allCases {
                listing.add("set\(condition) \(register.name(.w8))") { $0.set(condition, register) }
            }
            for width in [Width.w16, .w32, .w64] {
                for register in GPR.samples {
                    let name = register.name(width)
                    listing.add("cmov\(condition) \(name), \(GPR.rcx.name(width))") {
                        $0.cmov(condition, width, register, .rcx)
                    }
                    listing.add("cmov\(condition) \(GPR.r9.name(width)), \(name)") {
                        $0.cmov(condition, width, .r9, register)
                    }
                }
                let place = NamedAddress(.rbp, -8)
                listing.add(
                    "cmov\(condition) \(GPR.rsi.name(width)), \(width.pointer)\(place.text)"
                ) { $0.cmov(condition, width, .rsi, place.address) }
            }
        }
        try listing.check("conditions")
    }

    @Test func invertedConditions() {
        for condition in Condition.allCases {
            #expect(condition.inverted.rawValue == condition.rawValue ^ 1)
        }
    }

    @Test func stack() throws {
        var listing = Listing()
        for register in GPR.allCases {
            listing.add("push \(register.name(.w64))") { $0.push(register) }
            listing.add("pop \(register.name(.w64))") { $0.pop(register) }
        }
        for place in NamedAddress.samples {
            listing.add("push qword ptr \(place.text)") { $0.push(place.address) }
        }
        for width in Width.allCases {
            for a in GPR.samples {
                for b in GPR.samples where a != b {
                    listing.add("xchg \(a.name(width)), \(b.name(width))") {
                        $0.exchange(width, a, b)
                    }
                }
            }
        }
        listing.add("rep stosq") { $0.repeatStore64() }
        try listing.check("stack")
    }
}
