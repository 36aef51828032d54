import Apus
import Testing

/// Accesses around the end of memories of all sizes, with addresses and offsets that meet there in
/// every way: what lies in the memory can be loaded, what does not is a trap, whoever checks, and
/// whoever compiles.
@Suite struct GuardTests {
    private static let accesses: [(name: String, bytes: UInt64)] = [
        ("i32.load8_u", 1), ("i32.load16_u", 2), ("i32.load", 4), ("i64.load", 8),
        ("v128.load", 16),
    ]

    @Test(arguments: [0, 1, 2, 65535, 65536] as [UInt64], Compilation.allCases)
    func endsAreExact(pages: UInt64, compilation: Compilation) throws {
        try endsAreExact(pages, compilation, alwaysChecks: false)
        try endsAreExact(pages, compilation, alwaysChecks: true)
    }

    private func endsAreExact(
        _ pages: UInt64, _ compilation: Compilation, alwaysChecks: Bool
    ) throws {
        var configuration = compilation.configuration
        configuration.alwaysChecksBounds = alwaysChecks
        let engine = Engine(configuration)
        let size = pages << 16
        let most = UInt64(UInt32.max)
        let offsets = Set([0, 1, 16, size / 2, size &- 16, size, 1 << 31, most - 16, most])
            .filter { $0 <= most }.sorted()
        var text = "(module (memory \(pages))\n"
        for access in Self.accesses {
            for offset in offsets {
                text += """
                    (func (export "\(access.name) \(offset)") (param i32)
                      (drop (\(access.name) offset=\(offset) (local.get 0))))

                    """
            }
        }
        let instance = try Instance(Store(engine), Module(engine, text: text + ")"))
        var trapped = 0
        var loaded = 0
        for access in Self.accesses {
            for offset in offsets {
                let load = try instance.function(
                    "\(access.name) \(offset)", as: ((Int32) -> Void).self)
                for address in Self.addresses(size, offset, access.bytes) {
                    let isInside = address + offset + access.bytes <= size
                    let code: TrapCode?
                    do {
                        try load(Int32(bitPattern: UInt32(address)))
                        code = nil
                    } catch let trap as Trap {
                        code = trap.code
                    }
                    #expect(
                        code == (isInside ? nil : .memoryOutOfBounds),
                        "\(access.name) offset=\(offset) at \(address)")
                    if isInside { loaded += 1 } else { trapped += 1 }
                }
            }
        }
        #expect(trapped > 100)
        #expect(pages == 0 || loaded > 100)
    }

    /// Addresses with which `offset` leads to within 16 bytes of the end, and the ends of the
    /// addresses there are.
    private static func addresses(_ size: UInt64, _ offset: UInt64, _ bytes: UInt64) -> [UInt64] {
        let most = UInt64(UInt32.max)
        var addresses: Set<UInt64> = [0, 1, 1 << 31, most - 1, most]
        for distance in 0...32 as ClosedRange<UInt64> {
            let target = size &+ 16 &- distance &- bytes &- offset
            if target <= most { addresses.insert(target) }
        }
        return addresses.sorted()
    }
}
