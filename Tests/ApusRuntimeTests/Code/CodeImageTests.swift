import ApusABI
import ApusFormat
import CApusHost
import Testing

@testable import ApusRuntime

@Suite struct CodeImageTests {
    private let functions: [TestFunction] = [.callAddress, .load, .recurse]

    @Test func placesAreFoundByAddress() throws {
        let image = try CodeImage(image(functions, from: 3))
        func place(_ offset: UInt, _ isReturn: Bool) -> [Int]? {
            image.place(at: image.base &+ offset, isReturnAddress: isReturn).map {
                [Int($0.functionIndex), Int($0.bodyOffset), Int($0.trap.rawValue)]
            }
        }
        #expect(place(15, true) == [3, 15, 0])
        #expect(place(64 + 8, false) == [4, 8, Int(TrapCode.memoryOutOfBounds.rawValue)])
        #expect(place(128 + 23, false) == [5, 23, Int(TrapCode.stackExhausted.rawValue)])
        #expect(place(64 + 9, false) == [4, 0, 0])
        #expect(place(0, true) == nil)
        #expect(place(40, false) == nil)
        #expect(place(1000, false) == nil)
        #expect(image.place(at: .max, isReturnAddress: false) == nil)
        #expect(image.address(ofFunction: 4) == image.base &+ 64)
        #expect(image.address(ofFunction: 2) == nil)
        #expect(image.address(ofFunction: 6) == nil)
    }

    @Test func returnAddressAndFaultAtOnePlaceAreToldApart() throws {
        let both = TestFunction(
            code: MachineCode.load, sites: [(8, .none), (8, .memoryOutOfBounds)])
        let image = try CodeImage(image([both]))
        let address = image.base + 8
        #expect(image.place(at: address, isReturnAddress: true)?.trap == TrapCode.none)
        #expect(image.place(at: address, isReturnAddress: false)?.trap == .memoryOutOfBounds)
        var parts = parts([both])
        parts.memories = [MemoryType(limits: SizeLimits(minimum: 0))]
        let guest = try RuntimeStore(makeEnvironment()).instance([both], parts)
        #expect(trap { try guest.call("f0") } == .memoryOutOfBounds)
    }

    // MARK: Files

    /// A file with code in its second page.
    private static func file(_ functions: [TestFunction]) -> Int32 {
        let page = Int(apus_page_bytes())
        let file = apus_image_make(UInt64(2 * page))
        var bytes = [UInt8](repeating: 0xCC, count: 64 * functions.count)
        for (position, function) in functions.enumerated() {
            for (offset, byte) in function.code.enumerated() {
                bytes[64 * position + offset] = byte
            }
        }
        let error = unsafe bytes.withUnsafeBytes {
            unsafe apus_image_write(file, $0.baseAddress, UInt64($0.count), UInt64(page))
        }
        #expect(file >= 0 && error == 0)
        return file
    }

    @Test func codeRunsFromAFileThatIsMapped() throws {
        let functions: [TestFunction] = [.constant(7), .unreachable]
        let page = apus_page_bytes()
        let file = Self.file(functions)
        let code = try CodeMemory(file: file, offset: page, byteCount: 128)
        apus_image_close(file)
        let isExecutable = code.isExecutable
        #expect(isExecutable && code.capacity == Int(page))
        let environment = try makeEnvironment()
        let module = try LoadedModule(
            DecodedModule(parts(functions)), image(functions, in: code), in: environment)
        let store = try RuntimeStore(environment)
        let guest = Guest(
            store: store, state: try store.instantiate(Imports([], for: module, in: store)))
        #expect(try guest.call("f0") == 7)
        do {
            try guest.call("f1")
            Issue.record("no trap")
        } catch let trap as WasmTrap {
            #expect(trap.code == .unreachable && trap.backtrace.frames.map(\.functionIndex) == [1])
        }
    }

    @Test func filesThatHaveNotWhatIsAskedForAreRefused() throws {
        let page = apus_page_bytes()
        let file = Self.file([.constant(7)])
        defer { apus_image_close(file) }
        func refused(_ file: Int32, _ offset: UInt64, _ count: Int) -> ResourceError? {
            do throws(ResourceError) {
                _ = try CodeMemory(file: file, offset: offset, byteCount: count)
                return nil
            } catch {
                return error
            }
        }
        #expect(refused(file, 0, Int(2 * page)) == nil)
        for (offset, count) in [
            (page, Int(page) + 1), (3 * page, 1), (1, 1), (0, 0), (0, -1),
            (UInt64.max - page + 1, 1),
        ] {
            #expect(refused(file, offset, count)?.resource == .codeFile, "\(offset) \(count)")
        }
        #expect(refused(-1, 0, 1)?.errorNumber != 0)
    }
}
