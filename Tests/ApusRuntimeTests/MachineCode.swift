/// A few pieces of x86-64 code, assembled by hand, that keep to `docs/abi.md`: enough to run the
/// runtime without a compiler. All functions have the type of six i64 parameters and one result.
enum MachineCode {
    static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = Array(hexadecimal.utf8)
        return stride(from: 0, to: digits.count - 1, by: 2).map { index in
            nibble(digits[index]) << 4 | nibble(digits[index + 1])
        }
    }

    private static func nibble(_ digit: UInt8) -> UInt8 { digit < 58 ? digit - 48 : digit - 87 }

    // MARK: Trampolines

    /// Loads six cells into rdi, rsi, rdx, rcx, r8, r9 unless the cells are null; calls; stores
    /// rax to the first cell.
    static let entry = bytes(
        """
        554889e55341544155415641574989ff4989f34889d34d8b6710415441ff342441ff74240841ff74241041ff\
        74241841ff7424204883ec084989242449896c2410488d053000000049894424084885db7417488b3b488b73\
        08488b5310488b4b184c8b43204c8b4b2841ffd34885db740348890331c0eb0a488d6c2460b801000000488b\
        4dd0488b55c8488911488b55c048895108488b55b848895110488b55b048895118488b55a848895120488d65\
        d8415f415e415d415c5b5dc3
        """)

    /// Spills six registers to cells, calls the host, loads rax from the first cell.
    static func host(_ hostCall: UInt) -> [UInt8] {
        bytes(
            """
            554889e54883ec3048893c244889742408488954241048894c24184c894424204c894c2428488b4d00488b\
            55084d8b5f1049894b18498953204c89ff4889e648b8
            """) + littleEndian(hostCall) + bytes("ffd04d8b5f1049837b2800740441ff6728488b0424c9c3")
    }

    private static func littleEndian(_ address: UInt) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: address >> ($0 * 8)) }
    }

    static let runtimeCall = bytes(
        """
        4c8b14244d8b5f1049896b184d895320554889e54c89ff4d8b5f1841ff14c34d8b5f1049837b2800740441ff\
        67285dc3
        """)

    static func trapExit(_ trapLeave: UInt) -> [UInt8] {
        bytes("498b7f104883e4f048b8") + littleEndian(trapLeave)
            + bytes("ffd04d8b5f10498b2341ff6308")
    }

    /// jmp [rip + what is left of the distance]
    static func jumpThrough(_ distance: Int32) -> [UInt8] {
        let rest = UInt32(bitPattern: distance - 6)
        return [0xFF, 0x25] + (0..<4).map { UInt8(truncatingIfNeeded: rest >> ($0 * 8)) }
    }

    // MARK: Functions

    /// mov eax, number; ret
    static func constant(_ number: UInt8) -> [UInt8] { [0xB8, number, 0, 0, 0, 0xC3] }

    /// mov rax, [r15+8]; mov eax, [rax+rdi] (at 8, may fault)
    static let load = bytes("554889e5498b47088b04385dc3")
    /// ud2 (at 4)
    static let unreachable = bytes("554889e50f0b")
    /// rdi divided by rsi: idiv (at 9)
    static let divide = bytes("554889e54889f8489948f7fe5dc3")
    /// Keeps the first argument in its frame and calls import 0 (returns to 27).
    static let callImport = bytes(
        "554889e54883ec104c897df848897df04d8b5f404d8b7f4841ffd34c8b7df8c9c3")
    /// The same, with 0 as the argument, and returns its own argument (returns to 29).
    static let keep = bytes(
        "554889e54883ec104c897df848897df031ff4d8b5f404d8b7f4841ffd34c8b7df8488b45f0c9c3")
    /// Calls the address in rdi with rsi and rdx as arguments (returns to 15).
    static let callAddress = bytes("554889e54889f84889f74889d6ffd05dc3")
    /// Calls runtime function rdi with the further arguments (returns to 10).
    static let callRuntime = bytes("554889e589f841ff57205dc3")
    /// Calls itself (returns to 21) until the stack limit: ud2 (at 23).
    static let recurse = bytes("554889e5493b27720e4883ec1048ffc7e8ebffffffc9c30f0b")
    /// Reads address 0 at a place that is listed nowhere.
    static let wild = bytes("554889e531c08b005dc3")
}
