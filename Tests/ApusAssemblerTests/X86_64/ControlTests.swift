import ApusAssembler
import Testing

@Suite struct ControlTests {
    @Test func instructions() throws {
        var listing = Listing()
        for register in GPR.allCases {
            listing.add("jmp \(register.name(.w64))") { $0.jump(register) }
            listing.add("call \(register.name(.w64))") { $0.call(register) }
        }
        for place in NamedAddress.samples {
            listing.add("jmp qword ptr \(place.text)") { $0.jump(place.address) }
            listing.add("call qword ptr \(place.text)") { $0.call(place.address) }
        }
        listing.add("ret") { $0.ret() }
        listing.add("ret 24") { $0.ret(pop: 24) }
        listing.add("leave") { $0.leave() }
        listing.add("ud2") { $0.ud2() }
        listing.add("int3") { $0.int3() }
        let nops = [
            "nop", "nop", "nop dword ptr [rax]", "nop dword ptr [rax]",
            "nop dword ptr [rax + 1*rax]", "nop word ptr [rax + 1*rax]", "nop dword ptr [rax]",
            "nop dword ptr [rax + 1*rax]", "nop word ptr [rax + 1*rax]",
        ]
        for (index, text) in nops.enumerated() {
            listing.add(text) { $0.nop(bytes: index + 1) }
        }
        try listing.check("control")
    }

    @Test func forwardJumps() {
        var buffer = CodeBuffer()
        let label = buffer.makeLabel()
        buffer.jump(label)
        buffer.jump(.ne, label)
        buffer.call(label)
        buffer.jump(label, near: true)
        buffer.jump(.p, label, near: true)
        buffer.lea(.w64, .r11, label: label)
        buffer.bind(label)
        #expect(
            buffer.hex == "e916000000" + "0f8510000000" + "e80b000000" + "eb09" + "7a07"
                + "4c8d1d00000000")
    }

    @Test func backwardJumpsAreShortWhereTheyFit() {
        var buffer = CodeBuffer()
        let label = buffer.makeLabel()
        buffer.bind(label)
        buffer.jump(label)
        buffer.jump(.g, label)
        buffer.call(label)
        buffer.lea(.w64, .rax, label: label)
        #expect(buffer.hex == "ebfe" + "7ffc" + "e8f7ffffff" + "488d05f0ffffff")
    }

    @Test(arguments: 120...130) func backwardJumpsReach(distance: Int) {
        for condition in [nil, Condition.le] {
            var buffer = CodeBuffer()
            let label = buffer.makeLabel()
            buffer.bind(label)
            buffer.nop(bytes: distance)
            if let condition { buffer.jump(condition, label) } else { buffer.jump(label) }
            #expect(Jump(buffer.span, at: distance)?.target == 0)
            let isShort = distance <= 126
            #expect(buffer.count == distance + (isShort ? 2 : condition == nil ? 5 : 6))
        }
    }

    @Test func promisesThatFail() {
        var buffer = CodeBuffer()
        let label = buffer.makeLabel()
        buffer.jump(label, near: true)
        buffer.nop(bytes: 127)
        buffer.bind(label)
        var failed = buffer.hasFailed
        #expect(!failed)
        let other = buffer.makeLabel()
        buffer.jump(.e, other, near: true)
        buffer.nop(bytes: 128)
        buffer.bind(other)
        failed = buffer.hasFailed
        #expect(failed)
        buffer.removeAll()
        failed = buffer.hasFailed
        #expect(!failed)
    }

    @Test func relativeCallsArePatched() {
        var buffer = CodeBuffer()
        buffer.nop(bytes: 1)
        let call = buffer.callRelative()
        let jump = buffer.jumpRelative()
        #expect(call == 2)
        #expect(jump == 7)
        buffer.patch32(at: call, 0x1122_3344)
        buffer.patch32(at: jump, .max)
        #expect(buffer.hex == "90" + "e844332211" + "e9ffffffff")
    }

    @Test func alignment() {
        for start in 0..<32 {
            var buffer = CodeBuffer()
            for _ in 0..<start { buffer.int3() }
            buffer.align(to: 16)
            #expect(buffer.count == (start + 15) / 16 * 16)
            buffer.align(to: 16)
            #expect(buffer.count == (start + 15) / 16 * 16)
        }
    }

    /// Jumps to and fro among many labels, with code between that makes some short, some not.
    @Test(arguments: 1...20) func manyJumpsLand(seed: UInt64) {
        var random = Generator(state: seed)
        var buffer = CodeBuffer()
        let labels = (0..<50).map { _ in buffer.makeLabel() }
        var places = [Int](repeating: 0, count: labels.count)
        var jumps: [(place: Int, label: Int)] = []
        for bound in labels.indices {
            for _ in 0..<4 {
                let target = Int(random.next() % UInt64(labels.count))
                jumps.append((buffer.count, target))
                if random.next() % 2 == 0 {
                    buffer.jump(labels[target])
                } else {
                    buffer.jump(.allCases[Int(random.next() % 16)], labels[target])
                }
                buffer.nop(bytes: Int(random.next() % 30))
            }
            places[bound] = buffer.count
            buffer.bind(labels[bound])
        }
        for jump in jumps {
            #expect(Jump(buffer.span, at: jump.place)?.target == places[jump.label])
        }
    }
}

/// A jump as its bytes tell.
struct Jump {
    var target: Int

    init?(_ bytes: Span<UInt8>, at place: Int) {
        switch bytes[place] {
        case 0xEB, 0x70...0x7F:
            target = place + 2 + Int(Int8(bitPattern: bytes[place + 1]))
        case 0xE9: target = place + 5 + bytes.signed32(at: place + 1)
        case 0x0F where bytes[place + 1] & 0xF0 == 0x80:
            target = place + 6 + bytes.signed32(at: place + 2)
        default: return nil
        }
    }
}

extension Span<UInt8> {
    func unsigned32(at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(self[offset + $1]) << (8 * UInt32($1)) }
    }

    func signed32(at offset: Int) -> Int { Int(Int32(bitPattern: unsigned32(at: offset))) }
}

struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}
