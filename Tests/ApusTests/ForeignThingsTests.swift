import Apus
import Testing

/// Objects, exceptions and tags of one store in another: an error at each door.
struct ForeignThingsTests {
    private static let guest = """
        (module
          (type $box (struct (field (mut anyref))))
          (type $list (array (mut anyref)))
          (tag $tag (export "tag") (param anyref))
          (table (export "table") 2 anyref)
          (global (export "global") (mut anyref) (ref.null any))
          (func (export "box") (result (ref $box)) (struct.new $box (ref.null any)))
          (func (export "list") (result (ref $list))
            (array.new $list (ref.null any) (i32.const 2)))
          (func (export "take") (param anyref))
          (func (export "catch") (param exnref)))
        """

    private let one: Instance
    private let other: Instance

    init() throws {
        let engine = Engine()
        let module = try Module(engine, text: Self.guest)
        one = try Instance(Store(engine), module)
        other = try Instance(Store(engine), module)
    }

    private func object(_ name: String, of instance: Instance) throws -> AnyReference {
        let result = try instance.function(name).call()
        guard case .any(let reference?)? = result.first else {
            throw TypeError(expected: [], found: [], place: "the test")
        }
        return reference
    }

    @Test(arguments: ["box", "list"]) func objectsAreRefused(_ name: String) throws {
        let own = Value.any(try object(name, of: one))
        let foreign = Value.any(try object(name, of: other))
        let take = try one.function("take")
        _ = try take.call(own)
        #expect(throws: ForeignStoreError.self) { try take.call(foreign) }
        let table = try one.table("table")
        #expect(throws: ForeignStoreError.self) { try table.set(0, foreign) }
        #expect(throws: ForeignStoreError.self) { try table.grow(by: 1, foreign) }
        #expect(throws: ForeignStoreError.self) { try one.global("global").set(foreign) }
        guard case .structure(let box) = try object("box", of: one),
            case .array(let list) = try object("list", of: one)
        else { return #expect(Bool(false)) }
        #expect(throws: ForeignStoreError.self) { try box.set(0, foreign) }
        #expect(throws: ForeignStoreError.self) { try list.set(0, foreign) }
        #expect(throws: ForeignStoreError.self) {
            try WasmException(one.tag("tag"), [foreign])
        }
        // What was refused has changed nothing.
        guard case .any(nil) = try table.get(0), case .any(nil) = try box.get(0) else {
            return #expect(Bool(false))
        }
    }

    @Test func exceptionsAreRefused() throws {
        let exception = try WasmException(other.tag("tag"), [.any(nil)])
        #expect(throws: ForeignStoreError.self) { try exception.values(in: one.store) }
        #expect(throws: ForeignStoreError.self) {
            try one.function("catch").call(.exception(exception))
        }
        #expect(try !exception.hasTag(one.tag("tag")))
    }
}
