import Testing

@testable import Apus

/// Names that compilers make, and what they stand for. What is expected was compared with what
/// `c++filt` and `llvm-cxxfilt` say.
struct DemangledNameTests {
    @Test(arguments: [
        ("_ZN4core9panicking5panic17h0123456789abcdefE", "core::panicking::panic"),
        ("_ZN4core9panicking5panic17h0123456789abcdefE.llvm.12345", "core::panicking::panic"),
        (
            "_ZN66_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..ops..drop..Drop$GT$4drop"
                + "17h1234567890abcdefE", "<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop"
        ),
        (
            "_ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17h1234567890abcdefE",
            "std::rt::lang_start::{{closure}}"
        ),
        (
            "_ZN44_$LT$$RF$T$u20$as$u20$core..fmt..Display$GT$3fmt17h19a7b7cd32a56002E",
            "<&T as core::fmt::Display>::fmt"
        ),
    ])
    func olderRust(name: String, expected: String) {
        #expect(DemangledName.of(name) == expected)
    }

    @Test(arguments: [
        ("_RNvC6_123foo3bar", "123foo::bar"),
        ("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar"),
        ("_RNvNtCs1234_7mycrate3foo3bar.llvm.99", "mycrate::foo::bar"),
        ("_RNCNCNgCs6DXkGYLi8lr_2cc5spawn00B5_", "cc::spawn::{closure#0}::{closure#0}"),
        (
            "_RNvXs_NtNtCsltDuuzhejvA_4core3ops5rangeINtB4_5RangejENtNtB8_3fmt5Debug3fmtB8_",
            "<core::ops::range::Range<usize> as core::fmt::Debug>::fmt"
        ),
        (
            "_RINvNtCsltDuuzhejvA_4core3ptr13drop_in_placeINtNtCs8Ske0I8pKSe_5alloc3vec3VechEE"
                + "Cs6TxCtTcuIIP_3std", "core::ptr::drop_in_place::<alloc::vec::Vec<u8>>"
        ),
        ("_RINvC1a1fKj2a_KbVE", nil),
        ("_RINvC1a1fKj2a_Kb1_Kc41_KanvE", nil),
        ("_RINvC1a1fKj2a_Kb1_Kc41_Kan7f_E", "a::f::<42, true, 'A', -127>"),
        ("_RINvC1a1fFG_RL0_hEuE", "a::f::<for<'a> fn(&'a u8)>"),
        ("_RINvC1a1fFUKCQhEOsE", "a::f::<unsafe extern \"C\" fn(&mut u8) -> *mut i16>"),
        (
            "_RINvC1a1fDINtC1b5TraithEp4ItemmEL_E",
            "a::f::<dyn b::Trait<u8, Item = u32>>"
        ),
        ("_RINvC1a1fThETAtKj3_E", nil),
        ("_RINvC1a1fThEAtKj3_SyE", nil),
        ("_RINvC1a1fThEAtj3_SyE", "a::f::<(u8,), [u16; 3], [u64]>"),
        ("_RNvC1au8gdel_5qa", "a::gödel"),
        ("_RNSC1as0_3foo", "a::{shim:foo#2}"),
    ])
    func rust(name: String, expected: String?) {
        #expect(DemangledName.of(name) == expected)
    }

    @Test(arguments: [
        ("_Z3foov", "foo()"), ("_ZN3foo3barEi", "foo::bar(int)"), ("_ZL5statei", "state(int)"),
        ("_ZNKSt6vectorIiSaIiEE4sizeEv", "std::vector<int, std::allocator<int>>::size() const"),
        ("_ZN12_GLOBAL__N_13fooEv", "(anonymous namespace)::foo()"),
        ("_Z1fPFvPKcE", "f(void (*)(char const*))"), ("_Z1fRA3_Ki", "f(int const (&) [3])"),
        ("_Z1fM1AFivE", "f(int (A::*)())"), ("_Z1fM1Ai", "f(int A::*)"),
        ("_ZN1AC2ERKS_", "A::A(A const&)"), ("_ZN1AD0Ev", "A::~A()"),
        ("_ZN1AIiEC2Ev", "A<int>::A()"), ("_ZNK1AcvbEv", "A::operator bool() const"),
        ("_ZlsRSoRK1A", "operator<<(std::ostream&, A const&)"),
        ("_Z3maxIiET_S0_S0_", "int max<int>(int, int)"),
        ("_Z1fIJicEEvDpT_", "void f<int, char>(int, char)"),
        ("_Z1fIJEEvDpT_", "void f<>()"), ("_Z1fIiEvOT_", "void f<int>(int&&)"),
        ("_Z1fIRiEvOT_", "void f<int&>(int&)"), ("_Z1fILi3ELb1ELj4EEvv", "void f<3, true, 4u>()"),
        ("_ZZ4mainE3foo", "main::foo"),
        ("_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()() const"),
        ("_ZThn48_N1A1fEv", "non-virtual thunk to A::f()"), ("_ZTV1A", "vtable for A"),
        ("_ZN1A1fB5cxx11Ev", "A::f[abi:cxx11]()"), ("_ZN3foo3barEi.llvm.123", "foo::bar(int)"),
        ("_ZNKR1A1fEv", "A::f() const &"), ("_Z1fDn", "f(std::nullptr_t)"),
        ("_ZN1AaSEOS_", "A::operator=(A&&)"), ("_Zli2_xy", "operator\"\" _x(unsigned long long)"),
        // An expression that is not known here.
        ("_Z1fIiEvDTplT_T_E", "f<int>(…)"),
    ])
    func cPlusPlus(name: String, expected: String) {
        #expect(DemangledName.of(name) == expected)
    }

    @Test(arguments: [
        "main", "", "_", "_Z", "_R", "_ZN", "_ZNE", "_RNv", "_ZN3fooE", "_Z99999999999999999999x",
        "_ZS_", "_ZT_", "_Z1fS0_", "__wasm_call_ctors", "_start", "_initialize", "_RB_", "_RNvB_1a",
        "_ZN4core17h0123456789abcdef", "_RC\u{301}",
    ])
    func leavesOthersAlone(name: String) {
        let demangled = DemangledName.of(name)
        #expect(demangled == nil || demangled?.hasSuffix("(…)") == true || name == "_ZN3fooE")
    }

    /// Names that say much with few bytes, or nothing with many.
    @Test func hostileNamesCostLittle() {
        // Pairs of pairs: twice as long with each.
        var pairs = "_Z1f1aSt4pairIS_S_E"
        for digit in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" {
            pairs += "St4pairIS\(digit)_S\(digit)_E"
        }
        var tuples = "_RINvC1a1fThhE"
        var last = tuples.utf8.count - 6
        for _ in 0..<30 {
            let place = tuples.utf8.count - 2
            tuples += "T" + String(repeating: "B" + Self.base62(last), count: 4) + "E"
            last = place
        }
        let names = [
            pairs, tuples + "E", "_Z1f" + String(repeating: "P", count: 8000) + "i",
            "_R" + String(repeating: "I", count: 4000) + "C1a"
                + String(repeating: "E", count: 4000),
            "_ZN" + String(repeating: "1a", count: 4000) + "E",
            "_RCu8000_" + String(repeating: "a", count: 8000),
            "_Z" + String(repeating: "Z", count: 8000), "_Z" + String(repeating: "N", count: 8000),
            "_RY" + String(repeating: "Y", count: 8000),
            "_ZN" + String(repeating: "1a", count: 100_000) + "E",
        ]
        let start = ContinuousClock.now
        for name in names {
            #expect(DemangledName.of(name)?.utf8.count ?? 0 <= 2100)
        }
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test func manyArgumentsAreRead() {
        for count in [1, 2, 40] {
            let name = "_Z1aI" + String(repeating: "i", count: count) + "E"
            let arguments = Array(repeating: "int", count: count).joined(separator: ", ")
            #expect(DemangledName.of(name) == "a<\(arguments)>")
        }
    }

    private static func base62(_ value: Int) -> String {
        let digits = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        var rest = value - 1
        var text = ""
        repeat {
            text = String(digits[rest % 62]) + text
            rest /= 62
        } while rest > 0
        return text + "_"
    }

    /// No cut and no changed byte makes it fail in another way than by leaving the name alone.
    @Test func damagedNames() {
        let names = [
            "_RNvXs_NtNtCsltDuuzhejvA_4core3ops5rangeINtB4_5RangejENtNtB8_3fmt5Debug3fmtB8_",
            "_RINvC1a1fFG_RL0_hEuDINtC1b5TraithEp4ItemmEL_Kj2a_TAtj3_EE",
            "_ZN66_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..ops..drop..Drop$GT$4drop17h0E",
            "_ZNKSt6vectorIM1AFivESaIiEE4sizeIJicEEET_PFvPKcERA3_S_DpOT0_",
        ]
        var read = 0
        for name in names.map({ Array($0.utf8) }) {
            for place in name.indices {
                var damaged = [Array(name[..<place])]
                for byte in "SNEIPKFAB_019TLRJDXMYCGusnp".utf8 {
                    var other = name
                    other[place] = byte
                    damaged.append(other)
                    other = name
                    other.insert(byte, at: place)
                    damaged.append(other)
                }
                for bytes in damaged {
                    let text = DemangledName.of(String(decoding: bytes, as: UTF8.self))
                    read += text == nil ? 0 : 1
                }
            }
        }
        #expect(read > 100)
    }
}
