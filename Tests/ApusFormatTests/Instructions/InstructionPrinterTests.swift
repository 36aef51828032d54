import ApusFormat
import Testing

@Suite struct InstructionPrinterTests {
    @Test func listing() throws {
        var builder = ModuleBuilder()
        builder.importFunction("m", "f", FunctionType())
        let type = FunctionType([.i32], [.i32])
        let constant = builder.addType(FunctionType([], [.i32]))
        builder.addFunction(type, locals: [.i64, .i64, .f32]) { code in
            code.emit(.block, BlockType.empty)
            code.emit(.localGet, 0)
            code.emit(.if, BlockType.result(.i32))
            code.i32(-5)
            code.emit(.else)
            code.emit(.localGet, 0)
            code.emit(.load(.i32, .unsigned16), MemoryArgument(alignment: 1, offset: 300))
            code.emit(.end)
            code.emit(.drop)
            code.i32(2)
            code.branchTable([0, 1], default: 0)
            code.emit(.end)
            code.emit(.loop, BlockType.type(constant))
            code.emit(.call, 0)
            code.f32(bits: 0xFF80_0000)
            code.emit(.convert(.i32TruncSatF32Signed))
            code.f64(bits: 0x7FF8_0000_0000_0000)
            code.emit(.drop)
            code.emit(.end)
        }
        builder.addCustomSection("name", [1, 4, 1, 0, 1, 0x66])
        let expected = """
            func 1 [i32] -> [i32]
              local i64 × 2
              local f32 × 1
              00002d  block
              00002f    local.get 0
              000031    if (result i32)
              000033      i32.const -5
              000035    else
              000036      local.get 0
              000038      i32.load16_u offset=300
              00003c    end
              00003d    drop
              00003e    i32.const 2
              000040    br_table 0 1 0
              000045  end
              000046  loop (type 1)
              000048    call 0 $f
              00004a    f32.const -inf
              00004f    i32.trunc_sat_f32_s
              000051    f64.const nan:0x8000000000000
              00005a    drop
              00005b  end
              00005c  end

            """
        let listing = InstructionPrinter(try builder.build()).listing(1)
        #expect(listing == expected, "\(listing)")
    }
}
